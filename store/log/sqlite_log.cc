// SPDX-License-Identifier: Apache-2.0
#include "log/sqlite_log.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/trusted_path.h"
#include "keys/seal.h"
#include "log/commit.h"
#include "log/folder_watch.h"

namespace coffer {
namespace {

constexpr std::uint64_t kApplicationId = 0x43465243;  // "CFRC"
constexpr std::uint64_t kFormat = 1;
constexpr std::size_t kReadBytes = 64u << 20;  // read() stops past this, so that memory stays bounded

// Compared letter by letter at every open: no trigger, view or index of somebody else's runs in our process.
constexpr std::string_view kCommitsTable =
    "CREATE TABLE commits(revision INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT";
constexpr std::string_view kPayloadsTable =
    "CREATE TABLE payloads(hash BLOB NOT NULL PRIMARY KEY, bytes BLOB NOT NULL) STRICT";

// A row too large for a commit is not loaded, which the connection's limits would refuse together with all
// that stands before it; what comes in its place is refused as a commit that is too large.
#define SELECT_COMMITS                                                                                \
    "SELECT revision, CASE WHEN length(bytes) <= 1048576 THEN bytes ELSE zeroblob(1048577) END FROM " \
    "commits "
static_assert(kMaxCommit == 1048576);

std::string expected_schema() {
    return concat(kCommitsTable, '\n', kPayloadsTable, '\n');
}

Failure missing(const std::filesystem::path& path) {
    return fail(Code::unavailable, "no store at ", path.string(),
                "; make one with `coffer init`, or correct `store` in the configuration");
}

// Looks before SQLite does, for its own words for these are no help. By name only: a descriptor of ours, once
// closed, would take the locks of every connection of this process to the same file with it.
Result<void> check_file(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT) return missing(path);
        return fail(Code::unavailable, "opening the store ", path.string(), ": ", errno_text());
    }
    if (!S_ISREG(status.st_mode))
        return fail(Code::unavailable, path.string(), " is not a store: it is no file");
    return {};
}

Result<void> check_owned(const std::filesystem::path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return check_owner(status, path.string());
    if (errno == ENOENT) return missing(path);
    return fail(Code::unavailable, path.string(), ": ", errno_text());
}

std::filesystem::path folder_of(const std::filesystem::path& path) {
    return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

Result<void> check_schema(Database& database, const std::filesystem::path& path) {
    auto application = database.integer("PRAGMA application_id");
    if (!application && application.error().code == Code::tampered)
        return fail(Code::unavailable, path.string(), " is not a store: it is no SQLite database");
    if (!application) return tl::make_unexpected(std::move(application).error());
    if (*application != kApplicationId)
        return fail(Code::unavailable, path.string(),
                    " is not a store: it is another program's SQLite database");
    COFFER_TRY(auto format, database.integer("PRAGMA user_version"));
    if (format != kFormat)
        return fail(Code::unavailable, path.string(), " is a store of format ", format,
                    "; this program knows format ", kFormat, ": install a newer coffer");
    COFFER_TRY(auto schema, database.schema());
    if (schema != expected_schema())
        return refuse(Code::tampered, "store.schema", "the schema of ", path.string(),
                      " was changed: expected the tables commits and payloads and nothing else");
    return {};
}

Failure cannot_make(const std::filesystem::path& path) {
    if (errno == EEXIST) return fail(Code::conflict, path.string(), " exists already; nothing was changed");
    return fail(Code::unavailable, "making ", path.string(), ": ", errno_text());
}

// SQLite would take what stands in the -wal of a store that is gone for the new store's.
Result<void> check_room(const std::filesystem::path& path) {
    std::error_code none;
    const std::string log = path.string() + "-wal";
    if (std::filesystem::exists(std::filesystem::symlink_status(path, none))) {
        errno = EEXIST;
        return cannot_make(path);
    }
    if (std::filesystem::file_size(log, none) > 0 && !none)
        return fail(Code::conflict, log, " is left of a store that is not there any more; move it away");
    return {};
}

struct Temporary {
    std::string name;
    ~Temporary() {
        for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((name + suffix).c_str());
    }
};

Result<void> make_empty(const std::string& name) {
    Descriptor file(::open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
    if (!file) return cannot_make(name);
    file.reset();  // before SQLite opens it: closing later would drop SQLite's own locks on the file
    COFFER_TRY(auto database, Database::open(name, OpenMode::read_write));
    COFFER_CHECK(database.execute("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL"));
    COFFER_CHECK(database.execute(concat("BEGIN IMMEDIATE; PRAGMA application_id = ", kApplicationId,
                                         "; PRAGMA user_version = ", kFormat, "; ", kCommitsTable, "; ",
                                         kPayloadsTable, "; COMMIT")));
    // All of it into the file that gets the store's name, and synced; its own -wal stays behind.
    COFFER_TRY(auto checkpoint, database.query("PRAGMA wal_checkpoint(TRUNCATE)"));
    COFFER_TRY(bool row, checkpoint.step());
    if (!row || checkpoint.integer(0) != 0) return fail(Code::unavailable, "making ", name, ": it is in use");
    return {};
}

}  // namespace

SqliteLog::SqliteLog(std::filesystem::path path, Database database, bool read_only)
    : path_(std::move(path)), database_(std::move(database)), read_only_(read_only) {}

SqliteLog::~SqliteLog() = default;

// Made whole under another name: who is killed in between leaves nothing under this one, which every later
// start would refuse as no store.
Result<std::unique_ptr<SqliteLog>> SqliteLog::create(const std::filesystem::path& path) {
    COFFER_CHECK(check_room(path));
    const Temporary made{concat(path.string(), ".", ::getpid(), ".new")};
    COFFER_CHECK(make_empty(made.name));
    if (::link(made.name.c_str(), path.c_str()) != 0) return cannot_make(path);
    COFFER_TRY(auto log, open(path));
    COFFER_CHECK(log->head());  // makes the -wal, so that its name is synced too
    COFFER_CHECK(sync_name(path));
    return log;
}

Result<std::unique_ptr<SqliteLog>> SqliteLog::open(const std::filesystem::path& path) {
    COFFER_CHECK(check_owned(folder_of(path)));
    COFFER_CHECK(check_owned(path));
    return open_as(path, false);
}

Result<void> SqliteLog::check_closed_to_others(const std::filesystem::path& path) {
    struct stat store {};
    if (::stat(path.c_str(), &store) != 0) return {};  // the opening says it better
    const auto check = [&](const std::string& place, uid_t also) -> Result<void> {
        struct stat status {};
        if (::stat(place.c_str(), &status) != 0) return {};
        if (status.st_uid != 0 && status.st_uid != ::geteuid() && status.st_uid != also)
            return fail(Code::not_allowed, place, " belongs to uid ", status.st_uid, "; expected uid ", also,
                        ", whose store it is: chown it");
        return check_closed(status, place);
    };
    COFFER_CHECK(check_folders_above(path, store.st_uid));
    COFFER_CHECK(check(folder_of(path).string(), store.st_uid));
    for (const char* suffix : {"", "-wal", "-shm"}) COFFER_CHECK(check(path.string() + suffix, store.st_uid));
    return {};
}

Result<std::unique_ptr<SqliteLog>> SqliteLog::open_read_only(const std::filesystem::path& path) {
    return open_as(path, true);
}

Result<std::unique_ptr<SqliteLog>> SqliteLog::open_as(const std::filesystem::path& path, bool read_only) {
    COFFER_CHECK(check_file(path));
    COFFER_TRY(auto database, Database::open(path, read_only ? OpenMode::read_only : OpenMode::read_write));
    COFFER_CHECK(check_schema(database, path));
    // A commit of 1,000 payloads touches as many pages, for hashes lie anywhere: a writer keeps 16 MiB of
    // them.
    COFFER_CHECK(database.execute(read_only ? "PRAGMA query_only = ON"
                                            : "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; "
                                              "PRAGMA cache_size = -16384"));
    std::unique_ptr<SqliteLog> log(new SqliteLog(path, std::move(database), read_only));
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return missing(path);
    log->device_ = status.st_dev;
    log->inode_ = status.st_ino;
    return log;
}

// A restored backup arrives as another file under the same name; the old one must not be served for ever.
Result<void> SqliteLog::reopen_if_replaced() {
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0) return missing(path_);
    if (status.st_dev == device_ && status.st_ino == inode_) return {};
    COFFER_TRY(auto again, open_as(path_, read_only_));
    database_ = std::move(again->database_);
    if (patience_) database_.set_patience(*patience_);
    device_ = again->device_;
    inode_ = again->inode_;
    return {};
}

Result<Head> SqliteLog::head() {
    COFFER_CHECK(reopen_if_replaced());
    return stored_head();
}

Result<Head> SqliteLog::stored_head() {
    COFFER_TRY(auto row, database_.query(SELECT_COMMITS "ORDER BY revision DESC LIMIT 1"));
    COFFER_TRY(bool found, row.step());
    if (!found) return Head{};
    return Head{row.integer(0), commit_hash(row.blob(1))};
}

Result<std::vector<StoredCommit>> SqliteLog::read(std::uint64_t from, std::size_t limit) {
    COFFER_TRY(auto row, database_.query(SELECT_COMMITS "WHERE revision >= ? ORDER BY revision LIMIT ?"));
    row.bind(from).bind(std::uint64_t{std::min<std::size_t>(limit, 1000)});
    std::vector<StoredCommit> out;
    std::size_t bytes = 0;
    while (bytes < kReadBytes) {
        auto found = row.step();
        // What stands before a damaged page is given out; who asks for more is told.
        if (!found && found.error().code == Code::tampered && !out.empty()) break;
        if (!found) return tl::make_unexpected(std::move(found).error());
        if (!*found) break;
        ByteView blob = row.blob(1);
        out.push_back({row.integer(0), Bytes(blob.begin(), blob.end())});
        bytes += blob.size();
    }
    return out;
}

Result<void> SqliteLog::check_writable() const {
    if (read_only_) return fail(Code::read_only, path_.string(), " was opened for reading");
    return {};
}

Result<void> SqliteLog::append(const Head& expected, ByteView commit, std::span<const Bytes> payloads) {
    COFFER_CHECK(check_writable());
    COFFER_CHECK(reopen_if_replaced());
    COFFER_TRY(auto transaction, SqlTransaction::begin(database_));
    COFFER_TRY(auto head, stored_head());
    if (head != expected)
        return fail(Code::conflict, "the store is at revision ", head.revision, ", expected ",
                    expected.revision);
    {
        COFFER_TRY(auto insert, database_.query("INSERT INTO commits(revision, bytes) VALUES(?, ?)"));
        COFFER_CHECK(insert.bind(expected.revision + 1).bind(commit).run());
    }
    for (const Bytes& payload : payloads) {
        Hash hash = payload_hash(payload);
        COFFER_TRY(auto insert, database_.query("INSERT OR IGNORE INTO payloads(hash, bytes) VALUES(?, ?)"));
        COFFER_CHECK(insert.bind(hash).bind(ByteView(payload)).run());
    }
    auto done = transaction.commit();
    // Where only the sync failed the commit stands in the -wal, and who opens the store next may find it.
    if (!done)
        return wrap(std::move(done).error(), "whether the change is in the store, as revision ",
                    expected.revision + 1, ", cannot be told; `coffer log` shows it");
    return done;
}

// What is in the file itself was synced by who copied it there from the -wal. SQLite keeps no lock on the
// -wal, so that closing this descriptor drops none.
Result<void> SqliteLog::settle() {
    const std::string log = path_.string() + "-wal";
    Descriptor file(::open(log.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && errno == ENOENT) return {};
    if (!file || ::fdatasync(file.get()) != 0)
        return fail(Code::unavailable, "syncing ", log, ": ", errno_text());
    return {};
}

Result<Bytes> SqliteLog::payload(const Hash& hash) {
    COFFER_TRY(auto row, database_.query("SELECT bytes FROM payloads WHERE hash = ?"));
    COFFER_TRY(bool found, row.bind(hash).step());
    if (!found) return fail(Code::not_found, "no payload ", hash.hex());
    ByteView blob = row.blob(0);
    if (blob.size() > kMaxPayload)
        return fail(Code::tampered, "payload ", hash.hex(), " has ", blob.size(), " bytes");
    return Bytes(blob.begin(), blob.end());
}

Result<void> SqliteLog::drop_payload(const Hash& hash) {
    COFFER_CHECK(check_writable());
    {
        COFFER_TRY(auto remove, database_.query("DELETE FROM payloads WHERE hash = ?"));
        COFFER_CHECK(remove.bind(hash).run());
    }
    // secure_delete has overwritten the pages; until the write-ahead log is cut, old pages stand there still.
    COFFER_TRY(auto checkpoint, database_.query("PRAGMA wal_checkpoint(TRUNCATE)"));
    COFFER_TRY(bool row, checkpoint.step());
    if (!row || checkpoint.integer(0) != 0)
        return fail(
            Code::unavailable, "payload ", hash.hex(),
            " is deleted, but a reader keeps the write-ahead log from being cut: run the command again");
    return {};
}

Result<std::vector<Hash>> SqliteLog::payload_hashes() {
    return payload_hashes(std::nullopt, static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()));
}

Result<std::vector<Hash>> SqliteLog::payload_hashes(const std::optional<Hash>& after, std::size_t limit) {
    COFFER_TRY(auto row, database_.query("SELECT hash FROM payloads WHERE hash > ? ORDER BY hash LIMIT ?"));
    row.bind(after ? after->view() : ByteView()).bind(std::uint64_t{limit});
    std::vector<Hash> out;
    while (true) {
        COFFER_TRY(bool found, row.step());
        if (!found) return out;
        COFFER_TRY(auto hash, row.fixed<Hash>(0));
        // Else pages that name each other over and over would fill the memory.
        if (!out.empty() && hash <= out.back())
            return refuse(Code::tampered, "store.unreadable", "the index of the payloads of ", path_.string(),
                          " is damaged: it is out of order");
        out.push_back(hash);
    }
}

void SqliteLog::set_patience(std::chrono::milliseconds patience) {
    patience_ = patience;
    database_.set_patience(patience);
}

Result<void> SqliteLog::cut_after(std::uint64_t revision) {
    COFFER_CHECK(check_writable());
    COFFER_TRY(auto remove, database_.query("DELETE FROM commits WHERE revision > ?"));
    return remove.bind(revision).run();
}

Result<void> SqliteLog::wait(std::uint64_t after, std::chrono::milliseconds timeout) {
    using namespace std::chrono;
    if (!watch_) {
        COFFER_TRY(auto folder, FolderWatch::open(folder_of(path_), path_.filename().string()));
        watch_ = std::make_unique<FolderWatch>(std::move(folder));
    }
    auto until = steady_clock::now() + timeout;
    while (true) {
        COFFER_CHECK(reopen_if_replaced());
        COFFER_TRY(auto revision, database_.integer("SELECT max(revision) FROM commits"));
        auto left = duration_cast<milliseconds>(until - steady_clock::now());
        if (revision != after || left.count() <= 0) return {};
        // Each second in any case: not every file system tells inotify.
        COFFER_CHECK(watch_->wait(std::min(left, milliseconds(1000))));
    }
}

}  // namespace coffer
