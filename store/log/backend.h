// SPDX-License-Identifier: Apache-2.0
//
// Where the log is kept. A backend is an untrusted byte store: it promises durability and compare-and-swap
// and is believed in nothing else; authenticity lives in the commits. The embedded one is SQLite
// (log/sqlite_log.h); a keyless writer process and a fleet's replicated log speak this same interface. An
// implementation is used by one thread at a time unless it says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace coffer {

struct Head {
    std::uint64_t revision = 0;  // 0: an empty log
    Hash hash;                   // commit_hash of that revision; zero for an empty log
    bool operator==(const Head&) const = default;
};

struct StoredCommit {
    std::uint64_t revision = 0;
    Bytes bytes;
};

class Backend {
  public:
    virtual ~Backend() = default;

    [[nodiscard]] virtual Result<Head> head() = 0;
    // Commits from revision `from` on, in order, at most `limit` (1 to 1,000); fewer when they are large,
    // none only at the end. Where one cannot be read those before it come; Code::tampered when it is the
    // first.
    [[nodiscard]] virtual Result<std::vector<StoredCommit>> read(std::uint64_t from, std::size_t limit) = 0;
    // Stores commit expected.revision + 1 and its payloads, all or nothing, durable on return.
    // Code::conflict when the head is not `expected` any more; Code::unavailable when it cannot be written.
    [[nodiscard]] virtual Result<void> append(const Head& expected, ByteView commit,
                                              std::span<const Bytes> payloads) = 0;
    // Makes durable whatever head() and read() have shown. Who was killed between writing a commit and
    // syncing it leaves one that all readers see and that a loss of power still takes away: a reader that
    // remembered it would find a rollback then, and who is told that it is stored would have been told too
    // much. Code::unavailable.
    [[nodiscard]] virtual Result<void> settle() = 0;
    // At most kMaxPayload bytes, not yet checked against `hash`. Code::not_found when there is none.
    [[nodiscard]] virtual Result<Bytes> payload(const Hash& hash) = 0;
    // Destroys a payload beyond recovery from the file. Done already is done.
    [[nodiscard]] virtual Result<void> drop_payload(const Hash& hash) = 0;
    // Every payload's hash that is stored, for finding orphans and missing ones.
    [[nodiscard]] virtual Result<std::vector<Hash>> payload_hashes() = 0;
    // Removes the commits after `revision`. Only for a tail that does not verify.
    [[nodiscard]] virtual Result<void> cut_after(std::uint64_t revision) = 0;
    // Returns when the head may be past `after` or when `timeout` is over.
    [[nodiscard]] virtual Result<void> wait(std::uint64_t after, std::chrono::milliseconds timeout) = 0;
};

}  // namespace coffer
