// SPDX-License-Identifier: Apache-2.0
//
// Learnt: the least rules that allow what an audit log recorded, to be read by a person before they are used:
// a refused read may be a missing rule or an attempt. One rule per caller and project and domain, each
// KEY listed. Pure, but for the names of users.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "access/advice/rule_draft.h"
#include "access/audit/audit_record.h"
#include "access/policy/policy.h"

namespace coffer {

struct LearnOptions {
    bool observed = false;                 // from allowed reads as well
    std::optional<std::size_t> widen;      // more KEYs than this of one project and domain become a star
    std::shared_ptr<const Policy> policy;  // what it allows is left out, and its names are taken; may be null
};

// How often, and from when to when.
struct Occurrences {
    std::uint64_t count = 0;
    std::string first, last;  // RFC 3339
    void add(const AuditRecord& record);
};

struct LearntRule {
    RuleDraft draft;
    Occurrences occurrences;
    std::map<std::string, std::uint64_t> operations, keys;  // each with its count
};

// Refusals that no rule changes, or that no rule can be written for.
struct NotLearnt {
    std::string reason, path, who, rule;
    Occurrences occurrences;
};

struct Learnt {
    std::vector<LearntRule> rules;  // by caller, then by project and domain
    std::vector<NotLearnt> not_learnt;
    std::uint64_t records = 0;          // that were looked at
    std::uint64_t allowed_already = 0;  // left out
    [[nodiscard]] std::string toml() const;
};

// Fails when what was learnt does not allow what it was learnt from, which is checked for every record.
[[nodiscard]] Result<Learnt> learn(std::span<const AuditRecord> records, const LearnOptions& options);

}  // namespace coffer
