// SPDX-License-Identifier: Apache-2.0
//
// AuditRecord: one decision of an audit log, read back. Pure. docs/audit.md has every member of a line.
//
// What a record does not hold of its caller: supplementary groups, slice and cgroup, tracer, the start of the
// process, and whether it was in another user namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/attest/caller.h"
#include "base/result.h"

namespace coffer {

struct AuditRecord {
    std::uint64_t sequence = 0;
    std::string time, last_time;  // RFC 3339, as written; last_time: of the last repeat
    std::uint64_t times = 1;      // with its repeats
    bool allow = false;
    std::string operation, path, rule, reason, scope;
    std::uint64_t version = 0;
    Caller caller;
};

// One line without its line feed; nothing when it is no decision. Code::invalid for what is no such line.
[[nodiscard]] Result<std::optional<AuditRecord>> read_audit_record(std::string_view line);
// The decisions of a whole file, repeats counted in. Lines that a crash cut short are passed over; the chain
// is not checked (access/audit/audit_chain.h).
[[nodiscard]] Result<std::vector<AuditRecord>> read_audit_records(std::string_view text);

}  // namespace coffer
