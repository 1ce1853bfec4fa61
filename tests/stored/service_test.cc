// SPDX-License-Identifier: Apache-2.0
//
// What coffer-stored does for those who may use it, and that it loses nothing.
#include <algorithm>
#include <set>

#include "keys/hash.h"
#include "log/commit.h"
#include "support/stored_service.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

}  // namespace

TEST_CASE("root makes a store through the service, and a member writes and reads it") {
    FoundedService service;
    CHECK(must(service.connect())->store_file() == service.store().string());
    CHECK(service.set_as(kMember, kKey, "the value") == Outcome{});
    CHECK(client(kOtherMember, [&]() -> Outcome {
              auto store = must(service.open());
              return {0, must(unseal_live(store, service.host, kKey))};
          }).text == "the value");
    CHECK(service.stop() == 0);
}

TEST_CASE("a member cannot make the store") {
    StoredService service;
    auto made = client(kMember, [&]() -> Outcome {
        auto log = must(service.connect());
        auto owner = must(Identity::generate());
        auto done = found_store(*log, owner, "owner", std::nullopt);
        return outcome_of(done);
    });
    CHECK(made.error == code_number(Code::not_allowed));
    CHECK(made.text.find("only root") != std::string::npos);
    CHECK(must(must(service.connect())->head()) == Head{});
}

TEST_CASE("who is not in the group is kept out by the kernel") {
    FoundedService service;
    auto refused = client(kStranger, [&]() -> Outcome {
        auto log = service.connect();
        return outcome_of(log);
    });
    CHECK(refused.error == code_number(Code::not_allowed));
    CHECK(refused.text.find("coffer-members") != std::string::npos);
    CHECK(client(kMember, [&] { return read_path(service.store()); }).error == EACCES);
}

TEST_CASE(
    "the group of the files reads them while the service runs and while it does not, nobody else does") {
    FoundedService service;
    REQUIRE(service.set_as(kMember, kKey, "v") == Outcome{});
    const Who reader{60020, kStoreUser.gid};
    auto revision_as = [&](const Who& who) {
        return client(who, [&]() -> Outcome {
            auto log = SqliteLog::open_read_only(service.store());
            if (!log) return outcome_of(log);
            return {0, std::to_string(must((*log)->head()).revision)};
        });
    };
    const std::string now = std::to_string(service.revision());
    CHECK(revision_as(reader) == Outcome{0, now});
    CHECK(revision_as(kStranger).error == code_number(Code::unavailable));
    CHECK(revision_as(kMember).error == code_number(Code::unavailable));
    CHECK(service.stop() == 0);
    CHECK(revision_as(reader) == Outcome{0, now});
    CHECK(client(reader, [&] {
              return errno_of([&] { return open(service.store().c_str(), O_WRONLY); });
          }).error == EACCES);
}

TEST_CASE("several writers at once lose nothing") {
    FoundedService service;
    constexpr int kWriters = 4, kEach = 25;
    std::vector<pid_t> children;
    for (int writer = 0; writer < kWriters; ++writer) {
        children.push_back(client_beside(writer % 2 ? kMember : kOtherMember, [&] {
            auto store = must(service.open());
            for (int i = 0; i < kEach; ++i) must(service.set(store, kKey, concat(writer, ' ', i)));
            return true;
        }));
    }
    for (pid_t child : children) CHECK(status_of(child) == 0);
    auto store = must(service.open());
    CHECK_FALSE(store.alarm());
    auto history = must(store.view().history(must(SecretName::parse(kKey))));
    CHECK(history.size() == kWriters * kEach);
    std::set<std::string> values;
    for (const Version& version : history) values.insert(version.payload.hex());
    CHECK(values.size() == kWriters * kEach);
}

TEST_CASE("no commit that was acknowledged is lost to kill -9, and clients notice nothing of it") {
    FoundedService service;
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    constexpr int kCommits = 120;
    const pid_t child = client_beside(kMember, [&] {
        auto store = must(service.open());
        for (int i = 0; i < kCommits; ++i) {
            auto done = service.set(store, concat("acme/checkout/production/K", i), "v");
            if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
            if (!done || write(ends[1], &done->committed.head, sizeof(Head)) != sizeof(Head)) return false;
        }
        return true;
    });
    close(ends[1]);
    std::vector<Head> acknowledged;
    Head one;
    int kills = 0;
    while (read(ends[0], &one, sizeof one) == sizeof one) {
        acknowledged.push_back(one);
        if (acknowledged.size() % 10 != 5) continue;
        service.kill_now();
        service.start();
        ++kills;
    }
    close(ends[0]);
    INFO(service.log());
    CHECK(status_of(child) == 0);
    CHECK(kills >= 10);
    CHECK(acknowledged.size() == kCommits);
    auto store = must(service.open());
    CHECK_FALSE(store.alarm());
    for (const Head& head : acknowledged)
        CHECK(must(store.view().commit_hash_at(head.revision)) == head.hash);
    std::uint64_t versions = 0;
    must(store.view().for_each(std::nullopt, [&](const Secret& secret) {
        versions += secret.last_version;
        return true;
    }));
    CHECK(versions == kCommits);  // and none was written twice
}

TEST_CASE("a member purges, and drops no payload that is needed") {
    FoundedService service;
    auto store = must(service.open());
    must(service.set(store, kKey, "one"));
    must(service.set(store, kKey, "two"));
    const auto name = must(SecretName::parse(kKey));
    const auto history = must(store.view().history(name));
    auto drop = [&](const Hash& hash) {
        return client(kMember, [&]() -> Outcome {
            auto done = must(service.connect())->drop_payload(hash);
            return outcome_of(done);
        });
    };
    for (const Version& version : history)
        CHECK(drop(version.payload).error == code_number(Code::not_allowed));
    CHECK(must(store.backend().payload_hashes()).size() == 2);
    must(purge_version(store, service.owner, name, 1));
    CHECK(must(store.backend().payload_hashes()) == std::vector{history[1].payload});
    CHECK(drop(history[0].payload) == Outcome{});
}

TEST_CASE("nobody cuts the log through the service") {
    FoundedService service;
    auto refused = must(service.connect())->cut_after(0);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::not_allowed);
    CHECK(refused.error().message.find("verify --repair") != std::string::npos);
    CHECK(service.revision() == 1);
}

TEST_CASE("a log of thousands of payloads is listed whole, page by page") {
    FoundedService service;
    {
        auto database = must(Database::open(service.store(), OpenMode::read_write));
        auto all = must(SqlTransaction::begin(database));
        for (int i = 0; i < 2500; ++i) {
            const Hash hash = random_fixed<Hash>();
            must(must(database.query("INSERT INTO payloads(hash, bytes) VALUES(?, x'00')")).bind(hash).run());
        }
        must(all.commit());
    }
    auto hashes = must(must(service.connect())->payload_hashes());
    CHECK(hashes.size() == 2500);
    CHECK(std::ranges::is_sorted(hashes));
    CHECK(std::ranges::adjacent_find(hashes) == hashes.end());
}

TEST_CASE("a client whose connection was ended in between goes on with a new one") {
    FoundedService service;
    auto log = must(service.connect());
    service.kill_now();
    service.start();
    CHECK(must(log->head()).revision == 1);
    must(log->wait(0, std::chrono::milliseconds(1)));
}

TEST_CASE("it ends by itself when nobody was there for long, and not before") {
    FoundedService service({"--idle-exit", "1"});
    {
        auto held = must(service.connect());
        CHECK(must(held->head()).revision == 1);
    }
    CHECK(service.wait_for_end() == 0);
    service.start();
    CHECK(service.revision() == 1);
}
