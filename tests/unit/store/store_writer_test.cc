// SPDX-License-Identifier: Apache-2.0
#include "service/store_writer.h"

#include <sys/stat.h>

#include "keys/hash.h"
#include "support/team.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// A folder with a log of a team in it, written through the writer, so that any commit can be tried on it.
struct Case {
    TempFolder folder;
    Team team;
    std::unique_ptr<StoreWriter> writer;
    Bytes value = Bytes(64 + kPayloadOverhead, 7);

    Case() { reopen(); }
    void reopen() {
        writer.reset();
        writer = must(StoreWriter::open(store(), folder / "state"));
    }
    [[nodiscard]] std::filesystem::path store() const { return folder / "store.db"; }
    // The genesis and who is on the team; not the commit that puts, for its payloads are invented.
    void fill() {
        must(writer->append({}, team.commits[0], {}, true));
        must(writer->append({1, commit_hash(team.commits[0])}, team.commits[1], {}, false));
    }
    // What was refused, by its rule or message; checks that nothing was stored.
    Error refused(const Bytes& commit, const std::vector<Bytes>& payloads = {}, bool may_found = true) {
        const Head before = must(writer->head());
        auto done = writer->append(before, commit, payloads, may_found);
        if (done) FAIL("it was accepted");
        CHECK(must(writer->head()) == before);
        CHECK(must(writer->payload_hashes(std::nullopt)).empty());
        return done.error();
    }
    CommitBody next(std::vector<Operation> operations) {
        const Head head = must(writer->head());
        return {team.store, head.revision + 1, head.hash, 1'700'000'000'000, std::move(operations)};
    }
    Bytes signed_by(const Identity& signer, std::vector<Operation> operations) {
        return LogBuilder::sign(next(std::move(operations)), signer);
    }
    // Puts `value`, as version 1 of a secret whose scope key comes with it.
    std::vector<Operation> put_value() {
        Put one = put(team.masked, "KEY", 1);
        one.payload = payload_hash(value);
        return {team.masked, grant(team.masked, team.owner), one};
    }
    void append(const Identity& signer, std::vector<Operation> operations,
                const std::vector<Bytes>& payloads = {}) {
        const Head head = must(writer->head());
        must(writer->append(head, signed_by(signer, std::move(operations)), payloads, false));
    }
};

}  // namespace

TEST_CASE("a store is founded by a first commit that keeps the rules, from whom may") {
    Case one;
    CHECK(one.refused(one.team.commits[0], {}, false).code == Code::not_allowed);
    CHECK(one.refused(one.team.commits[1]).rule == "commit.revision");
    CHECK(one.refused(one.signed_by(one.team.stranger, {add(one.team.owner, "o", Role::owner, "*/*/*")}))
              .rule == "genesis.owner");
    Bytes forged = one.team.commits[0];
    forged[40] ^= 1;
    CHECK(one.refused(forged).rule == "commit.signature");
    CHECK(one.refused(Bytes{1, 2, 3}).rule == "commit.magic");
    // A trial that failed has fixed nothing: another founder's commit is taken.
    one.fill();
    CHECK(must(one.writer->head()).revision == 2);
}

TEST_CASE("a store is founded once, and goes on after a restart with and without its state") {
    Case one;
    one.fill();
    LogBuilder other;
    CHECK(one.writer->append({}, other.commits[0], {}, true).error().code == Code::conflict);
    one.reopen();
    one.append(one.team.owner, one.put_value(), {one.value});
    must(one.writer->persist(true));
    one.writer.reset();
    std::filesystem::remove_all(one.folder / "state");
    one.reopen();
    CHECK(must(one.writer->head()).revision == 3);
    one.append(one.team.owner, {removal("acme/checkout/production/KEY", 2)});
}

TEST_CASE("what any reader would refuse is refused by the name of the rule, and nothing is stored") {
    Case one;
    one.fill();
    const auto puts = one.put_value();
    Bytes commit = one.signed_by(one.team.owner, puts);
    commit.back() ^= 1;
    CHECK(one.refused(commit, {one.value}).rule == "commit.signature");
    CHECK(one.refused(one.signed_by(one.team.stranger, puts), {one.value}).rule == "commit.unknown-signer");
    CHECK(one.refused(one.signed_by(one.team.editor, puts), {one.value}).rule == "scope-key.signer");
    auto body = one.next(puts);
    body.revision += 1;
    CHECK(one.refused(LogBuilder::sign(body, one.team.owner), {one.value}).rule == "commit.revision");
    body.revision -= 1;
    body.previous.bytes[0] ^= 1;
    CHECK(one.refused(LogBuilder::sign(body, one.team.owner), {one.value}).rule == "commit.previous");
    body = one.next(puts);
    body.store.bytes[0] ^= 1;
    CHECK(one.refused(LogBuilder::sign(body, one.team.owner), {one.value}).rule == "commit.store");
    one.append(one.team.owner, puts, {one.value});
}

TEST_CASE("exactly the payloads that a commit names come with it") {
    Case one;
    one.fill();
    const Bytes commit = one.signed_by(one.team.owner, one.put_value());
    CHECK(one.refused(commit).rule == "payload.missing");
    Bytes other = one.value;
    other[0] ^= 1;
    CHECK(one.refused(commit, {other}).rule == "payload.missing");
    CHECK(one.refused(commit, {one.value, other}).rule == "payload.hash");
    CHECK(one.refused(commit, {one.value, one.value}).rule == "payload.hash");
    auto short_of = one.put_value();
    std::get<Put>(short_of[2]).padded_len = 256;
    CHECK(one.refused(one.signed_by(one.team.owner, short_of), {one.value}).rule == "payload.missing");
    must(one.writer->append(must(one.writer->head()), commit, std::vector<Bytes>{one.value}, false));
    CHECK(must(one.writer->payload(payload_hash(one.value))) == one.value);
}

TEST_CASE("only a payload that was purged, or that no commit names, is dropped") {
    Case one;
    one.fill();
    one.append(one.team.owner, one.put_value(), {one.value});
    const Hash hash = payload_hash(one.value);
    CHECK(one.writer->drop_payload(hash).error().code == Code::not_allowed);
    one.append(one.team.owner, {removal("acme/checkout/production/KEY", 2)});
    CHECK(one.writer->drop_payload(hash).error().code == Code::not_allowed);
    CHECK(must(one.writer->payload(hash)) == one.value);
    one.append(one.team.owner, {purge("acme/checkout/production/KEY", 1)});
    must(one.writer->drop_payload(hash));
    CHECK(one.writer->payload(hash).error().code == Code::not_found);
    must(one.writer->drop_payload(hash));
    must(one.writer->drop_payload(random_fixed<Hash>()));
}

TEST_CASE("nothing is written behind a tail that does not verify, and what was verified is served") {
    Case one;
    one.fill();
    auto database = must(Database::open(one.store(), OpenMode::read_write));
    must(database.execute("INSERT INTO commits(revision, bytes) VALUES(3, x'00')"));
    auto refused = one.writer->append(must(one.writer->head()), one.team.commits[0], {}, true);
    CHECK(refused.error().code == Code::tampered);
    CHECK(refused.error().message.find("revision 3") != std::string::npos);
    CHECK(one.writer->drop_payload(random_fixed<Hash>()).error().code == Code::tampered);
    one.reopen();
    CHECK(must(one.writer->read(1, 10)).size() == 3);
}

TEST_CASE("a store put back to an older state is refused at the start, until the state is removed") {
    Case one;
    one.fill();
    one.writer.reset();
    auto database = must(Database::open(one.store(), OpenMode::read_write));
    must(database.execute("DELETE FROM commits WHERE revision = 2"));
    auto refused = StoreWriter::open(one.store(), one.folder / "state");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::tampered);
    CHECK(refused.error().message.find("removing " + (one.folder / "state").string()) != std::string::npos);
    std::filesystem::remove_all(one.folder / "state");
    one.reopen();
    CHECK(must(one.writer->head()).revision == 1);
}

TEST_CASE("a lock that somebody holds on the store is said to be that, and passes") {
    Case one;
    one.fill();
    const Bytes commit = one.signed_by(one.team.owner, one.put_value());
    {
        auto database = must(Database::open(one.store(), OpenMode::read_write));
        auto held = must(SqlTransaction::begin(database));
        CHECK(one.refused(commit, {one.value}).code == Code::unavailable);
        CHECK(must(one.writer->read(1, 10)).size() == 2);
    }
    one.append(one.team.owner, one.put_value(), {one.value});
}

TEST_CASE("pages of commits are closed when they are large, and lose none") {
    Case one;
    one.fill();
    std::vector<StoredCommit> all;
    // Many large commits: each adds principals with long names until a page cannot hold them all.
    for (std::uint8_t round = 0; round < 6; ++round) {
        std::vector<Operation> operations;
        for (int i = 0; i < 900; ++i)
            operations.emplace_back(add(must(Identity::generate()),
                                        concat("p", round, '-', i, std::string(40, 'x')), Role::editor,
                                        "*/*/*"));
        one.append(one.team.owner, std::move(operations));
    }
    std::size_t pages = 0;
    while (all.size() < 8) {
        auto page = must(one.writer->read(all.size() + 1, 1000));
        REQUIRE_FALSE(page.empty());
        for (auto& commit : page) {
            CHECK(commit.revision == all.size() + 1);
            all.push_back(std::move(commit));
        }
        ++pages;
    }
    CHECK(pages > 1);
    CHECK(must(one.writer->read(9, 10)).empty());
    CHECK(must(one.writer->read(1, 1)).size() == 1);
}

TEST_CASE("the files of the store are for their group to read, whatever put them there") {
    Case one;
    one.fill();
    one.writer.reset();
    auto mode = [&](std::string_view suffix) {
        struct stat status {};
        REQUIRE(stat(concat(one.store().string(), suffix).c_str(), &status) == 0);
        return status.st_mode & 07777;
    };
    REQUIRE(chmod(one.store().c_str(), 0600) == 0);
    std::filesystem::remove(one.store().string() + "-shm");
    one.reopen();
    for (const char* suffix : {"", "-wal", "-shm"}) CHECK(mode(suffix) == 0640);
}

TEST_CASE("a store that another program of the same user has founded meanwhile is followed") {
    Case one;
    auto other = must(StoreWriter::open(one.store(), one.folder / "other"));
    must(other->append({}, one.team.commits[0], {}, true));
    CHECK(one.writer->append({}, one.team.commits[0], {}, true).error().code == Code::conflict);
    must(other->append(must(other->head()), one.signed_by(one.team.owner, one.put_value()),
                       std::vector<Bytes>{one.value}, false));
    CHECK(one.writer->drop_payload(payload_hash(one.value)).error().code == Code::not_allowed);
    CHECK(must(one.writer->payload(payload_hash(one.value))) == one.value);
}

TEST_CASE("a payload is not dropped by a writer that has not yet looked at a store founded meanwhile") {
    Case one;
    auto other = must(StoreWriter::open(one.store(), one.folder / "other"));
    must(other->append({}, one.team.commits[0], {}, true));
    must(other->append(must(other->head()), one.signed_by(one.team.owner, one.put_value()),
                       std::vector<Bytes>{one.value}, false));
    CHECK(one.writer->drop_payload(payload_hash(one.value)).error().code == Code::not_allowed);
}
