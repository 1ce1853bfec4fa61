// SPDX-License-Identifier: Apache-2.0
#include "sqlite/database.h"

#include <sqlite3.h>

#include <utility>

namespace coffer {
namespace {

constexpr int kMaxLength = 2 << 20;  // of any string, blob or row: a commit is 1 MiB, a payload little more
constexpr int kBusyTimeoutMs = 10'000;

Code code_of(int sqlite_result) {
    switch (sqlite_result & 0xff) {
        case SQLITE_ERROR:  // our statements are right: the file is not the one that they are for
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_TOOBIG:
        case SQLITE_MISMATCH:
            return Code::tampered;
        case SQLITE_READONLY:
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_FULL:
        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return Code::unavailable;
        default:
            return Code::failed;
    }
}

int open_flags(OpenMode mode) {
    switch (mode) {
        case OpenMode::read_only:
            return SQLITE_OPEN_READONLY;
        case OpenMode::read_write:
            return SQLITE_OPEN_READWRITE;
        case OpenMode::create:
            return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    }
    return SQLITE_OPEN_READONLY;
}

void harden(sqlite3* connection) {
    sqlite3_extended_result_codes(connection, 1);
    sqlite3_busy_timeout(connection, kBusyTimeoutMs);
    sqlite3_limit(connection, SQLITE_LIMIT_LENGTH, kMaxLength);
    sqlite3_limit(connection, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(connection, SQLITE_LIMIT_TRIGGER_DEPTH, 0);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
    sqlite3_db_config(connection, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
    // Nothing of a database goes to a file in /var/tmp, where a confined program could not make one either.
    sqlite3_exec(connection, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY",
                 nullptr, nullptr, nullptr);
    // The -wal and -shm files stay when the last writer closes, so that a reader without write access to the
    // folder can open the database at any time. Only where there is a limit is the -wal file cut then:
    // otherwise each run of a tool would copy and sync all of it once more.
    sqlite3_exec(connection, "PRAGMA journal_size_limit = 4194304", nullptr, nullptr, nullptr);
    int persist = 1;
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_PERSIST_WAL, &persist);
}

Result<sqlite3*> connect(const std::string& name, int flags) {
    sqlite3* connection = nullptr;
    int result = sqlite3_open_v2(name.c_str(), &connection, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    if (result != SQLITE_OK) {
        std::string reason = connection ? sqlite3_errmsg(connection) : "out of memory";
        sqlite3_close(connection);
        return fail(code_of(result), "opening ", name, ": ", reason);
    }
    harden(connection);
    return connection;
}

}  // namespace

// ---- Query

Query::Query(Query&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      sql_(other.sql_),
      next_parameter_(other.next_parameter_),
      bind_error_(other.bind_error_) {}

Query::~Query() {
    if (!statement_) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    // A second use of the same text at the same time was prepared apart; only one goes back.
    sqlite3_stmt*& kept = database_->statements_[sql_];
    if (kept)
        sqlite3_finalize(statement_);
    else
        kept = statement_;
}

Query& Query::bind(std::uint64_t value) {
    bind_error_ |= sqlite3_bind_int64(statement_, next_parameter_++, static_cast<sqlite3_int64>(value));
    return *this;
}

Query& Query::bind(std::string_view text) {
    bind_error_ |= sqlite3_bind_text64(statement_, next_parameter_++, text.data(), text.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
    return *this;
}

Query& Query::bind(ByteView blob) {
    // A null pointer would bind NULL where an empty blob is meant.
    const void* data = blob.empty() ? "" : static_cast<const void*>(blob.data());
    bind_error_ |= sqlite3_bind_blob64(statement_, next_parameter_++, data, blob.size(), SQLITE_STATIC);
    return *this;
}

Result<bool> Query::step() {
    if (bind_error_)
        return fail(Code::failed, "binding a value for ", database_->name_, ": ",
                    sqlite3_errstr(bind_error_));
    int result = sqlite3_step(statement_);
    if (result == SQLITE_ROW) return true;
    if (result == SQLITE_DONE) return false;
    return database_->failure("using");
}

Result<void> Query::run() {
    while (true) {
        COFFER_TRY(bool row, step());
        if (!row) return {};
    }
}

std::uint64_t Query::integer(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

std::string_view Query::text(int column) const {
    auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return data ? std::string_view(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                : std::string_view();
}

ByteView Query::blob(int column) const {
    auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
    return data ? ByteView(data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)))
                : ByteView();
}

// ---- Database

Result<Database> Database::open(const std::filesystem::path& path, OpenMode mode) {
    COFFER_TRY(sqlite3 * connection, connect(path.string(), open_flags(mode)));
    return Database(connection, path.string());
}

Result<Database> Database::in_memory() {
    COFFER_TRY(sqlite3 * connection, connect(":memory:", open_flags(OpenMode::create)));
    return Database(connection, ":memory:");
}

Database::Database(Database&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      name_(std::move(other.name_)),
      left_log_(other.left_log_),
      statements_(std::move(other.statements_)) {
    other.statements_.clear();
}

Database& Database::operator=(Database&& other) noexcept {
    std::swap(connection_, other.connection_);
    std::swap(name_, other.name_);
    std::swap(left_log_, other.left_log_);
    std::swap(statements_, other.statements_);
    return *this;
}

Database::~Database() {
    for (auto& [sql, statement] : statements_) sqlite3_finalize(statement);
    std::error_code no_log;
    if (connection_ && left_log_ > 0 && std::filesystem::file_size(name_ + "-wal", no_log) <= left_log_)
        sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    sqlite3_close(connection_);
}

Failure Database::failure(std::string_view doing) const {
    int result = sqlite3_extended_errcode(connection_);
    return fail(code_of(result), doing, ' ', name_, ": ", sqlite3_errmsg(connection_));
}

Result<void> Database::execute(std::string_view sql) {
    if (sqlite3_exec(connection_, std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
        return failure("using");
    return {};
}

Result<Query> Database::query(const char* sql) {
    sqlite3_stmt* statement = std::exchange(statements_[sql], nullptr);
    if (statement) return Query(this, statement, sql);
    if (sqlite3_prepare_v3(connection_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
        return failure("reading");
    return Query(this, statement, sql);
}

Result<std::uint64_t> Database::integer(const char* sql) {
    COFFER_TRY(auto row, query(sql));
    COFFER_TRY(bool found, row.step());
    return found ? row.integer(0) : 0;
}

std::uint64_t Database::changed_rows() const {
    return static_cast<std::uint64_t>(sqlite3_changes64(connection_));
}

std::uint64_t Database::last_inserted() const {
    return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(connection_));
}

void Database::set_patience(std::chrono::milliseconds patience) {
    sqlite3_busy_timeout(connection_, static_cast<int>(patience.count()));
}

Result<std::string> Database::schema() {
    COFFER_TRY(auto row, query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid"));
    std::string out;
    while (true) {
        COFFER_TRY(bool found, row.step());
        if (!found) return out;
        out += row.text(0);
        out += '\n';
    }
}

// ---- SqlTransaction

Result<SqlTransaction> SqlTransaction::begin(Database& database) {
    COFFER_CHECK(database.execute("BEGIN IMMEDIATE"));
    return SqlTransaction(&database);
}

Result<SqlTransaction> SqlTransaction::begin_read(Database& database) {
    COFFER_CHECK(database.execute("BEGIN"));
    return SqlTransaction(&database);
}

SqlTransaction::~SqlTransaction() {
    // A failed ROLLBACK means that SQLite has rolled back already.
    if (database_) (void)database_->execute("ROLLBACK");
}

Result<void> SqlTransaction::commit() {
    COFFER_CHECK(database_->execute("COMMIT"));  // on failure (a full disk) the destructor rolls back
    database_ = nullptr;
    return {};
}

}  // namespace coffer
