// SPDX-License-Identifier: Apache-2.0
//
// The audit log: one record for each decision, hash-chained, to a file of JSON Lines, to the journal, or to
// both. Never a value, never a length. docs/audit.md gives every field and the chain. Repeats of one decision
// about one caller and path within a second are counted into one later record. Thread-safe.
//
// Every record is written while its request waits: what piles up behind a slow sink are waiting callers, and
// memory holds nothing but a bounded number of counters.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "access/attest/caller.h"
#include "base/result.h"

namespace coffer {

struct AuditEvent {
    bool allow = false;
    std::string_view operation;  // "open", "read"
    std::string_view path;       // org/project/domain/KEY as named by the caller
    std::string_view rule;       // empty: none
    std::string_view reason;     // for a refusal
    std::uint64_t version = 0;   // 0: not known
    std::string_view scope;      // of the secret that serves it; empty: not known
    bool resent = false;         // the kernel asked again, an earlier daemon having died over it
};

// Where records go; each may be empty, not both. With both, a record has to arrive in both.
struct AuditSinks {
    std::filesystem::path file;
    std::filesystem::path journal;  // the journal's socket, kJournalSocket
};

class AuditLog {
  public:
    // Continues the chain of an existing file (mode 0600, this user's own), which must end in a whole line;
    // a half line of a crash is closed with a record that says so. Without a file a new chain begins.
    [[nodiscard]] static Result<std::unique_ptr<AuditLog>> open(const AuditSinks& sinks);
    virtual ~AuditLog() = default;
    // On return the record is with the kernel (not yet on the disk) or counted. Whoever asked must deny when
    // this fails, unless the configuration says best-effort.
    [[nodiscard]] virtual Result<void> record(const Caller& caller, const AuditEvent& event) = 0;
    // A record about the daemon itself: "start", "stop", "policy", "alarm"; `detail` for a person.
    [[nodiscard]] virtual Result<void> note(std::string_view kind, std::string_view detail) = 0;
    // Writes the counts of repeats that are due (all of them when `all`). Counts that could not be written
    // stay.
    [[nodiscard]] virtual Result<void> flush(bool all) = 0;
    // Opens the path again, after a rotation; the chain goes on across files. On an error the file that was
    // open stays so.
    [[nodiscard]] virtual Result<void> reopen() = 0;
};

}  // namespace coffer
