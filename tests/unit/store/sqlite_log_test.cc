// SPDX-License-Identifier: Apache-2.0
#include "log/sqlite_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "log/commit.h"
#include "support/in_child.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

std::string read_all(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("a new log is empty and its file is not for others") {
    TempFolder folder;
    auto log = must(SqliteLog::create(folder / "store.db"));
    CHECK(must(log->head()) == Head{});
    CHECK(must(log->read(1, 10)).empty());
    struct stat status {};
    REQUIRE(stat((folder / "store.db").c_str(), &status) == 0);
    CHECK((status.st_mode & 0137) == 0);
}

TEST_CASE("making a store over a file is refused and changes nothing") {
    TempFolder folder;
    std::ofstream(folder / "store.db") << "mine";
    auto made = SqliteLog::create(folder / "store.db");
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Code::conflict);
    CHECK(read_all(folder / "store.db") == "mine");
}

TEST_CASE("append is a compare-and-swap on the head") {
    TempFolder folder;
    auto log = must(SqliteLog::create(folder / "store.db"));
    auto other = must(SqliteLog::open(folder / "store.db"));
    Bytes first = bytes_of("first"), second = bytes_of("second");
    must(log->append(Head{}, first, {}));
    auto lost = other->append(Head{}, second, {});
    REQUIRE_FALSE(lost);
    CHECK(lost.error().code == Code::conflict);
    CHECK(must(other->head()) == Head{1, commit_hash(first)});
    must(other->append(Head{1, commit_hash(first)}, second, {}));
    auto commits = must(log->read(1, 10));
    REQUIRE(commits.size() == 2);
    CHECK(commits[1].bytes == second);
    CHECK(commits[1].revision == 2);
}

TEST_CASE("payloads are found by their hash and a dropped one leaves no byte in any file") {
    TempFolder folder;
    auto log = must(SqliteLog::create(folder / "store.db"));
    std::string pattern = "payload that must not stay behind after it was dropped from the store";
    std::vector<Bytes> payloads{bytes_of(pattern), bytes_of("another")};
    must(log->append(Head{}, bytes_of("commit"), payloads));
    CHECK(must(log->payload(payload_hash(payloads[0]))) == payloads[0]);
    CHECK(must(log->payload_hashes()).size() == 2);
    must(log->drop_payload(payload_hash(payloads[0])));
    auto gone = log->payload(payload_hash(payloads[0]));
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == Code::not_found);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
        CHECK(read_all(entry.path()).find(pattern) == std::string::npos);
    must(log->drop_payload(payload_hash(payloads[0])));
}

TEST_CASE(
    "the last one to close a store leaves its write-ahead log in place and empty, for others to open fast") {
    TempFolder folder;
    {
        auto log = must(SqliteLog::create(folder / "store.db"));
        must(log->append(Head{}, bytes_of("commit"), {}));
        CHECK(std::filesystem::file_size(folder / "store.db-wal") > 0);
    }
    CHECK(std::filesystem::file_size(folder / "store.db-wal") == 0);
    CHECK(must(must(SqliteLog::open_read_only(folder / "store.db"))->read(1, 10)).size() == 1);
}

TEST_CASE("a missing store, a file that is no store and a later format are told apart") {
    TempFolder folder;
    auto missing = SqliteLog::open(folder / "store.db");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == Code::unavailable);
    CHECK(missing.error().message.find("coffer init") != std::string::npos);

    std::ofstream(folder / "text.db") << "this is a text of more than sixteen bytes";
    auto text = SqliteLog::open(folder / "text.db");
    REQUIRE_FALSE(text);
    CHECK(text.error().code == Code::unavailable);
    CHECK(text.error().message.find("is not a store") != std::string::npos);

    must(SqliteLog::create(folder / "future.db"));
    auto database = must(Database::open(folder / "future.db", OpenMode::read_write));
    must(database.execute("PRAGMA user_version = 2"));
    auto future = SqliteLog::open(folder / "future.db");
    REQUIRE_FALSE(future);
    CHECK(future.error().code == Code::unavailable);
    CHECK(future.error().message.find("format 2") != std::string::npos);
}

TEST_CASE("a store with a trigger in its schema is refused") {
    TempFolder folder;
    must(SqliteLog::create(folder / "store.db"));
    auto database = must(Database::open(folder / "store.db", OpenMode::read_write));
    must(database.execute("CREATE TRIGGER t AFTER INSERT ON commits BEGIN DELETE FROM payloads; END"));
    auto opened = SqliteLog::open_read_only(folder / "store.db");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::tampered);
}

TEST_CASE("a store whose header names a schema format that SQLite does not know is refused as changed") {
    TempFolder folder;
    must(SqliteLog::create(folder / "store.db"));
    std::fstream(folder / "store.db", std::ios::binary | std::ios::in | std::ios::out).seekp(47) << '\x7f';
    auto opened = SqliteLog::open_read_only(folder / "store.db");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::tampered);
    CHECK(opened.error().message.find("store.db") != std::string::npos);
}

TEST_CASE("a store that its group or another user can write is refused for writing") {
    TempFolder folder;
    must(SqliteLog::create(folder / "store.db"));
    chmod(folder.path().c_str(), 0770);
    auto opened = SqliteLog::open(folder / "store.db");
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::not_allowed);
    chmod(folder.path().c_str(), 0700);
    chmod((folder / "store.db").c_str(), 0666);
    CHECK_FALSE(SqliteLog::open(folder / "store.db"));
    chmod((folder / "store.db").c_str(), 0640);
    CHECK(SqliteLog::open(folder / "store.db"));
}

TEST_CASE("a log opened for reading writes nothing") {
    TempFolder folder;
    must(SqliteLog::create(folder / "store.db"));
    auto log = must(SqliteLog::open_read_only(folder / "store.db"));
    auto refused = log->append(Head{}, bytes_of("x"), {});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::read_only);
    CHECK_FALSE(log->cut_after(0));
}

TEST_CASE("wait returns for another process's commit") {
    TempFolder folder;
    auto reader = must(SqliteLog::create(folder / "store.db"));
    std::thread writer([&] {
        auto log = must(SqliteLog::open(folder / "store.db"));
        must(log->append(Head{}, bytes_of("commit"), {}));
    });
    must(reader->wait(0, std::chrono::seconds(60)));
    CHECK(must(reader->head()).revision == 1);
    writer.join();
}

TEST_CASE("a store file that was replaced by another is read from the new one") {
    TempFolder folder;
    auto reader = must(SqliteLog::create(folder / "store.db"));
    {
        auto other = must(SqliteLog::create(folder / "other.db"));
        must(other->append(Head{}, bytes_of("restored"), {}));
        auto checkpoint = must(Database::open(folder / "other.db", OpenMode::read_write));
        must(must(checkpoint.query("PRAGMA wal_checkpoint(TRUNCATE)")).run());
    }
    for (const char* suffix : {"-wal", "-shm"})
        std::filesystem::remove((folder / "store.db").string() + suffix);
    std::filesystem::rename(folder / "other.db", folder / "store.db");
    CHECK(must(reader->head()).revision == 1);
}

// Locks of fcntl(2) belong to the process: closing any descriptor of the file drops all of them. Without the
// lock another process, closing the store last, may take the WAL away from under an open one.
TEST_CASE("opening the store again leaves the lock of who has it open") {
    TempFolder folder;
    auto first = SqliteLog::create(folder / "store.db").value();
    auto locked = [&] {
        return in_child([&] {
            int fd = open((folder / "store.db").c_str(), O_RDWR | O_CLOEXEC);
            struct flock lock {};
            lock.l_type = F_WRLCK;
            lock.l_start = 0x40000000 + 2;  // SHARED_FIRST, SHARED_SIZE: sqlite.org/fileformat2.html
            lock.l_len = 510;
            if (fd < 0 || fcntl(fd, F_GETLK, &lock) != 0) return 2;
            return lock.l_type == F_UNLCK ? 1 : 0;
        });
    };
    REQUIRE(locked() == 0);
    auto second = SqliteLog::open(folder / "store.db");
    CHECK(locked() == 0);
    second->reset();
    CHECK(locked() == 0);
}

TEST_CASE(
    "an index of payloads that names the same pages over and over is refused before it fills the memory") {
    TempFolder folder;
    std::uint64_t root = 0;
    {
        auto log = must(SqliteLog::create(folder / "store.db"));
        std::vector<Bytes> payloads;
        for (int i = 0; i < 1000; ++i) payloads.push_back(bytes_of(concat("payload ", i)));
        must(log->append(Head{}, bytes_of("commit"), payloads));
        CHECK(must(log->payload_hashes()).size() == 1000);
        auto database = must(Database::open(folder / "store.db", OpenMode::read_write));
        root =
            must(database.integer("SELECT rootpage FROM sqlite_schema WHERE name LIKE 'sqlite_autoindex%'"));
    }
    {
        // In the index's root page: the cells' places from byte 12 on, and each cell begins with its child's
        // number.
        std::fstream file(folder / "store.db", std::ios::binary | std::ios::in | std::ios::out);
        std::string page(4096, 0);
        file.seekg(static_cast<std::streamoff>((root - 1) * 4096));
        file.read(page.data(), 4096);
        const auto byte = [&](std::size_t place) { return static_cast<unsigned char>(page[place]); };
        REQUIRE(byte(0) == 2);
        const std::size_t cells = byte(3) * 256u + byte(4), first = byte(12) * 256u + byte(13);
        REQUIRE(cells > 2);
        for (std::size_t i = 1; i < cells; ++i)
            page.replace(byte(12 + 2 * i) * 256u + byte(13 + 2 * i), 4, page, first, 4);
        file.seekp(static_cast<std::streamoff>((root - 1) * 4096));
        file << page;
    }
    auto refused = must(SqliteLog::open_read_only(folder / "store.db"))->payload_hashes();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().rule == "store.unreadable");
}
