// SPDX-License-Identifier: Apache-2.0
//
// StoreWriter: the one who writes the store of a shared host. It holds no key and believes nobody: it keeps a
// verified view of its own, folds what is to be appended into it by the rules of every reader, and appends
// only what they accept, together with exactly the payloads that it names. So a store cannot be damaged
// through it.
//
// Which store this is, it knows from its own state folder, else from the first commit of the file, which it
// wrote itself. A log without a first commit takes one only from whom `may_found` says. A pin in a
// configuration would say the same thing twice: readers have theirs, and believe no other store whatever is
// served here. One thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "log/sqlite_log.h"
#include "view/verified_store.h"

namespace coffer {

class StoreWriter {
  public:
    // Opens the store, or makes an empty one where there is none: files of mode 0640. `state` is a folder of
    // this user's own. Code::tampered when the log is not the one that this state has believed.
    [[nodiscard]] static Result<std::unique_ptr<StoreWriter>> open(const std::filesystem::path& store,
                                                                   const std::filesystem::path& state);

    // Makes the two folders where there are none: 0750 for the store's, 0700 for `state`.
    [[nodiscard]] static Result<void> make_folders(const std::filesystem::path& store,
                                                   const std::filesystem::path& state);

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    [[nodiscard]] Result<Head> head() { return log_->head(); }
    // A page: at most `limit` commits, fewer when they are large.
    [[nodiscard]] Result<std::vector<StoredCommit>> read(std::uint64_t from, std::size_t limit);
    [[nodiscard]] Result<Bytes> payload(const Hash& hash) { return log_->payload(hash); }
    [[nodiscard]] Result<std::vector<Hash>> payload_hashes(const std::optional<Hash>& after);

    // Backend's append, for commits that the rules accept. A refusal carries the rule's name, and nothing was
    // stored. Code::unavailable when somebody else holds the file's lock.
    [[nodiscard]] Result<void> append(const Head& expected, ByteView commit, std::span<const Bytes> payloads,
                                      bool may_found);
    // For a payload that was purged, or that no commit names. Code::not_allowed for any other.
    [[nodiscard]] Result<void> drop_payload(const Hash& hash);

    // Writes the watermark if it is behind; at the end, and now and then.
    [[nodiscard]] Result<void> persist(bool now);

  private:
    StoreWriter(std::filesystem::path path, std::filesystem::path state, std::unique_ptr<SqliteLog> log);
    [[nodiscard]] Result<std::unique_ptr<SqliteLog>> open_log() const;
    [[nodiscard]] Result<std::optional<Pin>> find_pin();
    [[nodiscard]] Result<void> follow(const Pin& pin);
    [[nodiscard]] Result<void> check_believable();
    [[nodiscard]] Result<void> found(ByteView commit, bool may_found);
    [[nodiscard]] Result<void> append_verified(const Head& expected, ByteView commit,
                                               std::span<const Bytes> payloads);

    std::filesystem::path path_, state_;
    std::unique_ptr<SqliteLog> log_;      // for reading
    std::optional<VerifiedStore> store_;  // none: a log that was not founded yet
};

}  // namespace coffer
