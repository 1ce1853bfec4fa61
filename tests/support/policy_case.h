// SPDX-License-Identifier: Apache-2.0
//
// Policies, callers and audit records in a line of a test each. A record is a line as the daemon writes it,
// read back.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/audit/audit_line.h"
#include "access/audit/audit_record.h"
#include "access/policy/policy.h"
#include "support/catch.h"

namespace coffer::test {

inline std::shared_ptr<const Policy> parse_policy(std::string text) {
    PolicySource source{"p.toml", std::move(text)};
    auto policy = Policy::parse({&source, 1});
    if (!policy) FAIL(policy.error().message);
    return *policy;
}

inline std::string rule_text(std::string_view lines, std::string_view name = "r") {
    return concat("[[rule]]\nname = \"", name, "\"\n", lines, '\n');
}

inline Caller caller_in(std::string_view cgroup, uid_t uid = 1000, std::string exe = "/usr/bin/app") {
    Caller out;
    out.tid = out.tgid = 100;
    out.ids = {uid, uid, uid, uid, uid, uid, uid, uid};
    out.exe.path = std::move(exe);
    out.cgroup = read_cgroup_path(cgroup);
    return out;
}

inline constexpr SecretPath kDbPassword{"acme", "checkout", "production", "DB_PASSWORD"};

// The line of a decision, as it stands in the file.
inline std::string audit_line(const Caller& caller, bool allow, std::string_view path, std::string_view rule,
                              std::string_view reason, std::uint64_t sequence = 1, int second = 0) {
    AuditEvent event{allow, "open", path, rule, reason, 1, {}};
    AuditTime time{std::chrono::seconds(1'700'000'000 + second)};
    return sealed_line(decision_line(sequence, time, caller, event), Hash{});
}

inline AuditRecord audit_record(const Caller& caller, bool allow, std::string_view path,
                                std::string_view rule = "", std::string_view reason = "no rule allows it",
                                std::uint64_t sequence = 1, int second = 0) {
    std::string line = audit_line(caller, allow, path, rule, allow ? "" : reason, sequence, second);
    auto record = read_audit_record(std::string_view(line).substr(0, line.size() - 1));
    if (!record) FAIL(record.error().message);
    return **record;
}

}  // namespace coffer::test
