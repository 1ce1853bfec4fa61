// SPDX-License-Identifier: Apache-2.0
//
// RAII over one SQLite connection and its prepared statements; the only place that includes sqlite3.h is
// database.cc. Every connection is hardened the same way: DEFENSIVE, trusted_schema off, cell_size_check on,
// mmap_size 0, strings and blobs of at most 2 MiB, no extension loading, no double-quoted strings.
// One thread at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace coffer {

class Database;

// One use of a prepared statement: bind, step until done, read columns. Resets itself when it goes.
// Text and blob columns are valid until the next step().
class Query {
  public:
    ~Query();
    Query(Query&& other) noexcept;
    Query& operator=(Query&&) = delete;
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;

    Query& bind(std::uint64_t value);  // stored as SQLite's signed 64 bits, bit for bit
    Query& bind(std::string_view text);
    Query& bind(ByteView blob);  // must stay alive until the query is done
    template <class Tag, std::size_t N>
    Query& bind(const FixedBytes<Tag, N>& value) {
        return bind(value.view());
    }

    [[nodiscard]] Result<bool> step();  // true: a row is there
    [[nodiscard]] Result<void> run();   // for statements that give no row

    [[nodiscard]] std::uint64_t integer(int column) const;
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] ByteView blob(int column) const;
    template <class Fixed>
    [[nodiscard]] Result<Fixed> fixed(int column) const {
        ByteView bytes = blob(column);
        if (bytes.size() != Fixed::kSize)
            return fail(Code::tampered, "a column of ", bytes.size(), " bytes where ", Fixed::kSize,
                        " were expected");
        Fixed value;
        std::copy(bytes.begin(), bytes.end(), value.bytes.begin());
        return value;
    }

  private:
    friend class Database;
    Query(Database* database, sqlite3_stmt* statement, const char* sql)
        : database_(database), statement_(statement), sql_(sql) {}
    Database* database_;
    sqlite3_stmt* statement_;
    const char* sql_;
    int next_parameter_ = 1;
    int bind_error_ = 0;
};

enum class OpenMode { read_only, read_write, create };

class Database {
  public:
    // Code::unavailable when it cannot be opened, Code::tampered when it is no SQLite database. From then on
    // Code::tampered is also what SQLite says of damage, and of a schema that the statements do not fit.
    [[nodiscard]] static Result<Database> open(const std::filesystem::path& path, OpenMode mode);
    [[nodiscard]] static Result<Database> in_memory();
    ~Database();
    Database(Database&& other) noexcept;
    Database& operator=(Database&& other) noexcept;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    // One or more statements without parameters or rows.
    [[nodiscard]] Result<void> execute(std::string_view sql);
    // `sql` must be a string literal: its address is the key of the statement cache.
    [[nodiscard]] Result<Query> query(const char* sql);
    [[nodiscard]] Result<std::uint64_t> integer(const char* sql);  // the first column of the first row
    [[nodiscard]] std::uint64_t changed_rows() const;              // by the newest INSERT, UPDATE or DELETE
    [[nodiscard]] std::uint64_t last_inserted() const;  // the INTEGER PRIMARY KEY of the newest row
    // Closing as the last one leaves a write-ahead log of up to so many bytes for the next to read, where it
    // would else be copied, synced and cut. For a file that nobody copies or puts back but with its log.
    void leave_log(std::uint64_t bytes) { left_log_ = bytes; }
    // How long a call waits for who holds the file's lock, before Code::unavailable.
    void set_patience(std::chrono::milliseconds patience);
    // The CREATE statements of the whole schema, in the order of creation, one a line.
    [[nodiscard]] Result<std::string> schema();

  private:
    friend class Query;
    Database(sqlite3* connection, std::string name) : connection_(connection), name_(std::move(name)) {}
    [[nodiscard]] Failure failure(std::string_view doing) const;
    sqlite3* connection_ = nullptr;
    std::string name_;
    std::uint64_t left_log_ = 0;
    std::unordered_map<const char*, sqlite3_stmt*> statements_;  // null while in use
};

// BEGIN IMMEDIATE (or a deferred BEGIN for readers) that rolls back unless commit() was called.
class SqlTransaction {
  public:
    [[nodiscard]] static Result<SqlTransaction> begin(Database& database);       // takes the write lock
    [[nodiscard]] static Result<SqlTransaction> begin_read(Database& database);  // one snapshot
    ~SqlTransaction();
    SqlTransaction(SqlTransaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
    SqlTransaction& operator=(SqlTransaction&&) = delete;
    [[nodiscard]] Result<void> commit();

  private:
    explicit SqlTransaction(Database* database) : database_(database) {}
    Database* database_;
};

}  // namespace coffer
