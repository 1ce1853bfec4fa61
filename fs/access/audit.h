// SPDX-License-Identifier: Apache-2.0
//
// The audit log: one JSON object a line for each decision, hash-chained, appended to a file. Never a value,
// never a length. docs/audit.md gives every field and the chain. Repeats of one decision about one caller and
// path within a second are counted into one later line. Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "access/caller.h"
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
};

class AuditLog {
  public:
    // Continues the chain of an existing file (mode 0600, this user's own), which must end in a whole line;
    // a half line of a crash is closed with a record that says so.
    [[nodiscard]] static Result<std::unique_ptr<AuditLog>> open(const std::filesystem::path& file);
    virtual ~AuditLog() = default;
    // On return the line is with the kernel (not yet on the disk). Whoever asked must deny when this fails,
    // unless the configuration says best-effort.
    [[nodiscard]] virtual Result<void> record(const Caller& caller, const AuditEvent& event) = 0;
    // A line about the daemon itself: "start", "stop", "policy", "alarm"; `detail` for a person.
    [[nodiscard]] virtual Result<void> note(std::string_view kind, std::string_view detail) = 0;
    // Writes the counts of repeats that are due (all of them when `all`).
    [[nodiscard]] virtual Result<void> flush(bool all) = 0;
    // Opens the path again, after a rotation; the chain goes on across files.
    [[nodiscard]] virtual Result<void> reopen() = 0;
};

// Re-computes the chain of a file: the number of records, or Code::tampered with the line that breaks it.
[[nodiscard]] Result<std::uint64_t> verify_audit(std::string_view text);

}  // namespace coffer
