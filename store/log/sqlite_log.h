// SPDX-License-Identifier: Apache-2.0
//
// The embedded backend: the log as one SQLite file in WAL mode, synchronous FULL. The file is written by one
// uid only (a hostile process that may write a WAL database can kill or block its readers); others read it.
// Not thread-safe; any number of processes may hold the same file.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "log/backend.h"
#include "sqlite/database.h"

namespace coffer {

class FolderWatch;

class SqliteLog final : public Backend {
  public:
    // Makes an empty store file, mode 0640. Code::conflict when the path exists.
    [[nodiscard]] static Result<std::unique_ptr<SqliteLog>> create(const std::filesystem::path& path);
    // Opens for reading and writing. Refuses (Code::not_allowed) a file or folder that another uid or the
    // group can write. Code::unavailable: missing, not readable, not a store, or of another format;
    // Code::tampered: a schema that is not ours.
    [[nodiscard]] static Result<std::unique_ptr<SqliteLog>> open(const std::filesystem::path& path);
    // The same with query_only set, for a daemon that never writes. append and the like are Code::read_only.
    [[nodiscard]] static Result<std::unique_ptr<SqliteLog>> open_read_only(const std::filesystem::path& path);
    // For a reader that runs for long: nobody but the owner of the file, who may be anybody, can write to it,
    // to the two files beside it or to the folder; nor put others in their place. Code::not_allowed.
    [[nodiscard]] static Result<void> check_closed_to_others(const std::filesystem::path& path);

    [[nodiscard]] Result<Head> head() override;
    [[nodiscard]] Result<std::vector<StoredCommit>> read(std::uint64_t from, std::size_t limit) override;
    [[nodiscard]] Result<void> append(const Head& expected, ByteView commit,
                                      std::span<const Bytes> payloads) override;
    [[nodiscard]] Result<void> settle() override;
    [[nodiscard]] Result<Bytes> payload(const Hash& hash) override;
    [[nodiscard]] Result<void> drop_payload(const Hash& hash) override;
    [[nodiscard]] Result<std::vector<Hash>> payload_hashes() override;
    // A page of them: at most `limit` in order, those behind `after`.
    [[nodiscard]] Result<std::vector<Hash>> payload_hashes(const std::optional<Hash>& after,
                                                           std::size_t limit);
    [[nodiscard]] Result<void> cut_after(std::uint64_t revision) override;
    // inotify on the folder, and a look each second. A file replaced by another (another inode) is reopened.
    [[nodiscard]] Result<void> wait(std::uint64_t after, std::chrono::milliseconds timeout) override;

    // How long to wait for who holds the file's lock before Code::unavailable; 10 s unless this says
    // otherwise.
    void set_patience(std::chrono::milliseconds patience);

    ~SqliteLog() override;

  private:
    [[nodiscard]] static Result<std::unique_ptr<SqliteLog>> open_as(const std::filesystem::path& path,
                                                                    bool read_only);
    SqliteLog(std::filesystem::path path, Database database, bool read_only);
    [[nodiscard]] Result<void> reopen_if_replaced();
    [[nodiscard]] Result<void> check_writable() const;
    [[nodiscard]] Result<Head> stored_head();

    std::filesystem::path path_;
    Database database_;
    bool read_only_;
    std::uint64_t device_ = 0, inode_ = 0;
    std::optional<std::chrono::milliseconds> patience_;
    std::unique_ptr<FolderWatch> watch_;
};

}  // namespace coffer
