// SPDX-License-Identifier: Apache-2.0
#include "view/verified_store.h"

#include <fstream>

#include "keys/hash.h"
#include "support/test_store.h"
#include "view/resolve.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// Another connection, as an attacker or a disk would have it.
Database raw(const TestStore& store) {
    return must(Database::open(store.path(), OpenMode::read_write));
}

void copy_store(const std::filesystem::path& from, const std::filesystem::path& to) {
    auto database = must(Database::open(from, OpenMode::read_write));
    must(must(database.query("PRAGMA wal_checkpoint(TRUNCATE)")).run());
    std::filesystem::copy_file(from, to, std::filesystem::copy_options::overwrite_existing);
}

void put_back(const TestStore& store, const std::filesystem::path& copy) {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(store.path().string() + suffix);
    std::filesystem::copy_file(copy, store.path());
    std::filesystem::permissions(store.path(), std::filesystem::perms(0640));
}

}  // namespace

TEST_CASE("a reader opened again reads no old commit a second time and sees the same") {
    TestStore test;
    {
        auto store = must(test.open("state"));
        test.set(store, "acme/checkout/production/KEY", "value");
    }
    auto store = must(test.open("state"));
    CHECK_FALSE(store.alarm());
    CHECK(must(unseal_live(store, test.host, "acme/checkout/production/KEY")) == "value");
    int applied = 0;
    must(store.catch_up([&](const CommitBody&) { ++applied; }));
    CHECK(applied == 0);
}

TEST_CASE("a commit by another process is handed to the callback once it is in the view") {
    TestStore test;
    auto reader = must(test.open("reader"));
    auto writer = must(test.open("writer"));
    test.set(writer, "acme/checkout/production/KEY", "value");
    std::vector<std::uint64_t> seen;
    must(reader.catch_up([&](const CommitBody& body) { seen.push_back(body.revision); }));
    CHECK(seen == std::vector<std::uint64_t>{2});
    CHECK(reader.view().head().revision == 2);
}

TEST_CASE("a store put back to an older state is a rollback for whoever has seen the newer one") {
    TestStore test;
    auto writer = must(test.open("writer"));
    test.set(writer, "acme/checkout/production/KEY", "one");
    copy_store(test.path(), test.folder / "old.db");
    test.set(writer, "acme/checkout/production/KEY", "two");
    { auto reader = must(test.open("reader")); }
    put_back(test, test.folder / "old.db");

    SECTION("at every start, however often") {
        for (int i = 0; i < 2; ++i) {
            auto refused = test.open("reader");
            REQUIRE_FALSE(refused);
            CHECK(refused.error().code == Code::tampered);
            CHECK(refused.error().rule == "store.rollback");
        }
    }
    SECTION("also when the view is lost and only the watermark is left") {
        for (const char* suffix : {"", "-wal", "-shm"})
            std::filesystem::remove((test.folder / "reader/view.db").string() + suffix);
        CHECK(test.open("reader").error().rule == "store.rollback");
    }
    SECTION("also when the watermark is lost and only the view is left") {
        std::filesystem::remove(test.folder / "reader/watermark");
        for (int i = 0; i < 2; ++i) CHECK(test.open("reader").error().rule == "store.rollback");
    }
    SECTION("until the watermark is moved by hand") {
        auto log = must(SqliteLog::open(test.path()));
        StoreOptions options{test.folder / "reader", test.pin, nullptr, {}};
        Head head = must(log->head());
        CHECK_FALSE(VerifiedStore::accept_rollback(*log, options, Head{head.revision, Hash{}}));
        CHECK_FALSE(VerifiedStore::accept_rollback(*log, options, Head{99, head.hash}));
        must(VerifiedStore::accept_rollback(*log, options, head));
        auto store = must(test.open("reader"));
        CHECK(must(unseal_live(store, test.host, "acme/checkout/production/KEY")) == "one");
    }
}

TEST_CASE("a store rolled back while a reader runs raises the alarm and the reader keeps what it had") {
    TestStore test;
    auto writer = must(test.open("writer"));
    test.set(writer, "acme/checkout/production/KEY", "one");
    auto reader = must(test.open("reader"));
    must(raw(test).execute("DELETE FROM commits WHERE revision = 2"));
    must(reader.catch_up());
    REQUIRE(reader.alarm());
    CHECK(reader.alarm()->error.code == Code::tampered);
    CHECK(reader.view().head().revision == 2);
}

TEST_CASE("a fork below the head is noticed at the next start") {
    TestStore test;
    auto writer = must(test.open("writer"));
    copy_store(test.path(), test.folder / "old.db");
    test.set(writer, "acme/checkout/production/KEY", "one");
    { auto reader = must(test.open("reader")); }
    put_back(test, test.folder / "old.db");
    auto other = must(test.open("other"));
    test.set(other, "acme/checkout/production/OTHER", "x");
    test.set(other, "acme/checkout/production/OTHER", "y");
    auto refused = test.open("reader");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::tampered);
}

TEST_CASE("a tail that does not verify is an alarm, never a stop, and nobody writes behind it") {
    TestStore test;
    auto writer = must(test.open("writer"));
    test.set(writer, "acme/checkout/production/KEY", "one");
    must(raw(test).execute("INSERT INTO commits(revision, bytes) VALUES(3, x'00')"));
    auto reader = must(test.open("reader"));
    REQUIRE(reader.alarm());
    CHECK(reader.alarm()->revision == 3);
    CHECK(must(unseal_live(reader, test.host, "acme/checkout/production/KEY")) == "one");
    auto refused =
        set_secret(reader, test.owner, {must(SecretName::parse("acme/checkout/production/KEY")), {}, 0, {}},
                   as_bytes("two"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::tampered);
}

TEST_CASE("what comes before a refused commit is believed, and the rest once it is right again") {
    TestStore test;
    auto writer = must(test.open("writer"));
    test.set(writer, "acme/checkout/production/KEY", "one");  // 2
    test.add(writer, "admin", Role::admin, "acme/*/*");       // 3 and more: its grants
    const auto good = writer.view().head().revision;
    test.set(writer, "acme/checkout/production/KEY", "two");
    test.add(writer, "another", Role::admin, "acme/*/*");
    const auto last = writer.view().head().revision;
    const std::string bad = std::to_string(good + 1);
    auto bytes = must(writer.backend().read(good + 1, 1))[0].bytes;
    must(raw(test).execute("UPDATE commits SET bytes = zeroblob(length(bytes)) WHERE revision = " + bad));

    auto reader = must(test.open("reader"));
    REQUIRE(reader.alarm());
    CHECK(reader.alarm()->revision == good + 1);
    CHECK(reader.view().head().revision == good);
    CHECK(must(unseal_live(reader, test.host, "acme/checkout/production/KEY")) == "one");
    CHECK(reader.view().roster().find_living("admin"));
    CHECK_FALSE(reader.view().roster().find_living("another"));

    {
        auto database = raw(test);
        auto row = must(database.query("UPDATE commits SET bytes = ? WHERE revision = ?"));
        must(row.bind(ByteView(bytes)).bind(good + 1).run());
    }
    must(reader.catch_up());
    CHECK_FALSE(reader.alarm());
    CHECK(reader.view().head().revision == last);
    CHECK(must(unseal_live(reader, test.host, "acme/checkout/production/KEY")) == "two");
    CHECK(reader.view().roster().find_living("another"));
}

TEST_CASE("an update that has refused a commit takes no other and cannot be kept") {
    TestStore test;
    auto writer = must(test.open("writer"));
    test.set(writer, "acme/checkout/production/KEY", "one");
    auto commits = must(writer.backend().read(1, 10));
    REQUIRE(commits.size() == 2);
    View view = must(View::in_memory(test.pin));
    {
        auto update = must(view.begin());
        must(update.apply(commits[0].bytes));
        CHECK(update.apply(commits[0].bytes).error().rule == "commit.revision");
        CHECK(view.head() == Head{});
        CHECK(view.roster().principals().empty());
        CHECK_FALSE(update.apply(commits[0].bytes));
        CHECK_FALSE(update.keep());
    }
    auto update = must(view.begin());
    for (const auto& commit : commits) must(update.apply(commit.bytes));
    must(update.keep());
    CHECK(view.head() == writer.view().head());
}

TEST_CASE("a hole in the log is an alarm") {
    TestStore test;
    auto writer = must(test.open("writer"));
    test.set(writer, "acme/checkout/production/KEY", "one");
    test.set(writer, "acme/checkout/production/KEY", "two");
    SECTION("of a commit that was removed") {
        must(raw(test).execute("DELETE FROM commits WHERE revision = 2"));
    }
    SECTION("of commits that stand under other numbers") {
        must(raw(test).execute("UPDATE commits SET revision = revision + 10 WHERE revision > 1"));
    }
    SECTION("of the first commit") {
        must(raw(test).execute("UPDATE commits SET revision = -revision WHERE revision = 1"));
    }
    const bool has_first = must(raw(test).integer("SELECT count(*) FROM commits WHERE revision = 1")) == 1;
    auto reader = must(test.open("reader"));
    REQUIRE(reader.alarm());
    CHECK(reader.alarm()->error.rule == "store.missing-commit");
    CHECK(reader.alarm()->revision == (has_first ? 2 : 1));
    CHECK(reader.view().head().revision == (has_first ? 1 : 0));
}

TEST_CASE("a payload that was changed or removed hurts that secret only") {
    TestStore test;
    auto store = must(test.open("state"));
    test.set(store, "acme/checkout/production/A", "a");
    test.set(store, "acme/checkout/production/B", "b");
    test.set(store, "acme/checkout/production/C", "c");
    auto hash_of = [&](std::string_view name) {
        return must(store.view().find(must(SecretName::parse(name))))->live->payload;
    };
    Hash a = hash_of("acme/checkout/production/A"), b = hash_of("acme/checkout/production/B");
    must(
        raw(test).execute(concat("UPDATE payloads SET bytes = zeroblob(144) WHERE hash = x'", a.hex(), "'")));
    must(raw(test).execute(concat("DELETE FROM payloads WHERE hash = x'", b.hex(), "'")));
    CHECK(unseal_live(store, test.host, "acme/checkout/production/A").error().rule == "payload.hash");
    CHECK(unseal_live(store, test.host, "acme/checkout/production/B").error().rule == "payload.missing");
    CHECK(must(unseal_live(store, test.host, "acme/checkout/production/C")) == "c");
}

TEST_CASE("a store of another owner or another id is not believed") {
    TestStore test;
    Pin real = test.pin;
    test.pin.owner.bytes[0] ^= 1;
    auto store = must(test.open("a"));
    REQUIRE(store.alarm());
    CHECK(store.alarm()->error.rule == "genesis.pinned-owner");
    CHECK(store.view().head().revision == 0);
    test.pin = real;
    test.pin.store.bytes[0] ^= 1;
    auto other = must(test.open("b"));
    REQUIRE(other.alarm());
    CHECK(other.alarm()->error.rule == "commit.store");
}

TEST_CASE("a watermark under an identity cannot be written without it") {
    Identity identity = must(Identity::generate()), other = must(Identity::generate());
    Watermark mark{{random_fixed<StoreId>(), random_fixed<PrincipalId>()}, {7, random_fixed<Hash>()}};
    std::string text = mark.encode(identity.watermark_key());
    CHECK(must(Watermark::decode(text, identity.watermark_key())) == mark);
    CHECK_FALSE(Watermark::decode(text, other.watermark_key()));
    CHECK_FALSE(Watermark::decode(text, {}));
    CHECK_FALSE(Watermark::decode(mark.encode({}), identity.watermark_key()));
    std::string edited = text;
    edited.replace(edited.find("revision: 7"), 11, "revision: 6");
    CHECK_FALSE(Watermark::decode(edited, identity.watermark_key()));
    CHECK_FALSE(Watermark::decode(text + "\n", identity.watermark_key()));
}

TEST_CASE("a pin survives being written down") {
    Watermark mark{{random_fixed<StoreId>(), random_fixed<PrincipalId>()}, {12, random_fixed<Hash>()}};
    CHECK(must(parse_pin_text(pin_text(mark))) == mark);
    for (const char* bad : {"", ":::", "a:b:c:d", "00:00:1:00"}) CHECK_FALSE(parse_pin_text(bad));
    CHECK_FALSE(parse_pin_text(pin_text(mark) + "0"));
}

TEST_CASE("a reader seeded with a pin refuses an older store") {
    TestStore test;
    auto store = must(test.open("state"));
    test.set(store, "acme/checkout/production/KEY", "value");
    StoreOptions options{test.folder / "new", test.pin, nullptr,
                         Watermark{test.pin, {9, random_fixed<Hash>()}}};
    auto refused = VerifiedStore::open(must(SqliteLog::open(test.path())), std::move(options));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().rule == "store.rollback");
}

TEST_CASE("a damaged view is made anew from the log") {
    TestStore test;
    {
        auto store = must(test.open("state"));
        test.set(store, "acme/checkout/production/KEY", "value");
    }
    SECTION("garbage") {
        for (const char* suffix : {"-wal", "-shm"})
            std::filesystem::remove((test.folder / "state/view.db").string() + suffix);
        std::ofstream(test.folder / "state/view.db", std::ios::trunc) << std::string(8192, 'x');
    }
    SECTION("another format") {
        auto database = must(Database::open(test.folder / "state/view.db", OpenMode::read_write));
        must(database.execute("PRAGMA user_version = 99"));
    }
    SECTION("a schema of a format that SQLite does not know") {
        const auto view = test.folder / "state/view.db";
        must(must(Database::open(view, OpenMode::read_write)).execute("PRAGMA wal_checkpoint(TRUNCATE)"));
        std::fstream(view, std::ios::binary | std::ios::in | std::ios::out).seekp(47) << '\x7f';
    }
    auto store = must(test.open("state"));
    CHECK(must(unseal_live(store, test.host, "acme/checkout/production/KEY")) == "value");
}

TEST_CASE("a state folder that others can enter is refused") {
    TestStore test;
    std::filesystem::create_directory(test.folder / "state");
    std::filesystem::permissions(test.folder / "state", std::filesystem::perms(0755));
    auto refused = test.open("state");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::not_allowed);
}

TEST_CASE("a path shows the most specific live secret") {
    TestStore test;
    auto store = must(test.open());
    auto shown = [&]() -> std::string {
        auto secret = must(resolve(store.view(), "acme", "checkout", "production", "KEY"));
        return secret ? secret->name.scope.text() : "none";
    };
    CHECK(shown() == "none");
    test.set(store, "acme/*/*/KEY", "org");
    CHECK(shown() == "acme/*/*");
    test.set(store, "acme/*/production/KEY", "domain");
    CHECK(shown() == "acme/*/production");
    test.set(store, "acme/checkout/*/KEY", "project");
    CHECK(shown() == "acme/checkout/*");
    auto last = test.set(store, "acme/checkout/production/KEY", "both");
    CHECK(shown() == "acme/checkout/production");
    CHECK(last.shadows.size() == 3);
    auto removed =
        must(remove_secret(store, test.owner, must(SecretName::parse("acme/checkout/production/KEY")), {}));
    CHECK(removed.uncovers.size() == 3);
    CHECK(shown() == "acme/checkout/*");
}

TEST_CASE("a commit too large for any reader is a tail that does not verify, never a stop") {
    TestStore test;
    auto writer = must(test.open("writer"));
    test.set(writer, "acme/checkout/production/KEY", "value");
    // A connection of ours would refuse a row of this size; this is what another program writes.
    REQUIRE(
        std::system(concat("python3 -c \"import sqlite3; d = sqlite3.connect('", test.path().string(),
                           "'); d.execute('INSERT INTO commits VALUES(3, zeroblob(3000000))'); d.commit()\"")
                        .c_str()) == 0);
    must(writer.catch_up());
    for (const char* state : {"writer", "new"}) {
        auto reader = must(test.open(state));
        REQUIRE(reader.alarm());
        CHECK(reader.alarm()->revision == 3);
        CHECK(reader.alarm()->error.rule == "commit.too-large");
        CHECK(must(unseal_live(reader, test.host, "acme/checkout/production/KEY")) == "value");
    }
}

TEST_CASE("a page of the file that cannot be read is a tail that does not verify, never a stop") {
    TestStore test;
    {
        auto writer = must(test.open("writer"));
        for (int i = 0; i < 40; ++i) test.set(writer, "acme/checkout/production/KEY", "value");
    }
    std::uint64_t page = 0;
    {
        auto database = must(Database::open(test.path(), OpenMode::read_write));
        // The last leaf of the commits: what the root page has as its right-most child, in its bytes 8 to 11.
        const auto root = must(database.integer("SELECT rootpage FROM sqlite_schema WHERE name = 'commits'"));
        std::ifstream file(test.path(), std::ios::binary);
        file.seekg(static_cast<std::streamoff>((root - 1) * 4096 + 8));
        for (int i = 0; i < 4; ++i) page = page << 8 | static_cast<std::uint64_t>(file.get());
    }
    {
        std::fstream file(test.path(), std::ios::binary | std::ios::in | std::ios::out);
        file.seekp(static_cast<std::streamoff>((page - 1) * 4096));
        file << std::string(4096, '\xff');
    }
    // Who has believed what can no longer be read is told so, as of each loss of commits.
    CHECK(test.open("writer").error().code == Code::tampered);
    auto reader = must(test.open("new"));
    REQUIRE(reader.alarm());
    CHECK(reader.alarm()->error.rule == "store.unreadable");
    CHECK(reader.alarm()->error.code == Code::tampered);
    CHECK(reader.alarm()->revision == reader.view().head().revision + 1);
    CHECK(reader.view().head().revision > 1);
    CHECK(reader.view().head().revision < 41);
}
