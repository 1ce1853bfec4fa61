// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include "support/temp_folder.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

Database with_log(const std::filesystem::path& path, std::uint64_t left) {
    auto database = must(Database::open(path, OpenMode::create));
    database.leave_log(left);
    must(database.execute("PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS t(x BLOB)"));
    return database;
}

std::uint64_t log_size(const std::filesystem::path& path) {
    return std::filesystem::file_size(path.string() + "-wal");
}

}  // namespace

TEST_CASE("the last one to close a database cuts its log, unless it is short and may be left") {
    TempFolder folder;
    const auto path = folder / "test.db";
    {
        auto database = with_log(path, 0);
        CHECK(log_size(path) > 0);
    }
    CHECK(log_size(path) == 0);
    {
        auto database = with_log(path, 64 << 10);
        must(database.execute("INSERT INTO t VALUES(zeroblob(100))"));
    }
    CHECK(log_size(path) > 0);
    {
        auto database = with_log(path, 64 << 10);  // reads what was left
        CHECK(must(database.integer("SELECT count(*) FROM t")) == 1);
        must(database.execute("INSERT INTO t VALUES(zeroblob(100000))"));
    }
    CHECK(log_size(path) == 0);
    CHECK(must(with_log(path, 0).integer("SELECT count(*) FROM t")) == 2);
}

TEST_CASE("a statement says what it has inserted and changed") {
    TempFolder folder;
    auto database = must(Database::open(folder / "test.db", OpenMode::create));
    must(database.execute("CREATE TABLE t(number INTEGER PRIMARY KEY, x INTEGER UNIQUE)"));
    must(must(database.query("INSERT INTO t VALUES(NULL, 5)")).run());
    CHECK(database.changed_rows() == 1);
    CHECK(database.last_inserted() == 1);
    must(must(database.query("INSERT INTO t VALUES(NULL, 5) ON CONFLICT(x) DO NOTHING")).run());
    CHECK(database.changed_rows() == 0);
}

TEST_CASE("one statement can be used twice at the same time") {
    auto database = must(Database::in_memory());
    constexpr const char* kSql = "SELECT ?";
    for (int again = 0; again < 2; ++again) {
        auto outer = must(database.query(kSql)), inner = must(database.query(kSql));
        CHECK(must(outer.bind(std::uint64_t{1}).step()));
        CHECK(must(inner.bind(std::uint64_t{2}).step()));
        CHECK(outer.integer(0) == 1);
        CHECK(inner.integer(0) == 2);
    }
}
