// SPDX-License-Identifier: Apache-2.0
//
// Explanation: why a policy lets a caller read a secret or not, which rules come nearest, and the smallest
// rule that would allow it. The decision is the one that Entitlement makes; what is added is for people.
// Pure, but for the names of users and groups.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "access/advice/rule_draft.h"
#include "access/advice/rule_miss.h"
#include "access/audit/audit_record.h"
#include "access/policy/policy.h"

namespace coffer {

struct Explanation {
    bool allow = false;
    std::string reason;                    // for a refusal
    const Rule* rule = nullptr;            // that decided, or the one that would allow it but for its limits
    std::vector<RuleMiss> nearest;         // for a refusal that no rule decided: the nearest, at most three
    std::optional<RuleDraft> draft;        // what would allow it
    std::string advice;                    // where no rule would: what to do
    std::shared_ptr<const Policy> policy;  // which `rule` and `nearest` point into
};

// `caller` with its hash, where Entitlement::wants_sha256(). How often it has opened what is not known here,
// so that no max_opens is ever used up.
[[nodiscard]] Explanation explain(const std::shared_ptr<const Policy>& policy, const Caller& caller,
                                  const SecretPath& path, const Circumstances& now,
                                  Unseen unseen = Unseen::nothing);

// A decision of the past by the policy of today. It agrees with the record where it can: what a record does
// not hold of its caller is taken to have been as the record's reason says.
struct RecordExplanation {
    Explanation today;
    bool agrees = false;
    std::string difference;  // where it does not: what may have happened
};
// Code::invalid for a path that is none.
[[nodiscard]] Result<RecordExplanation> explain_record(const std::shared_ptr<const Policy>& policy,
                                                       const AuditRecord& record);

// Reasons of a refusal (Decision, and what the daemon adds): which of them a rule could change.
enum class RefusalKind : std::uint8_t {
    no_rule,  // a new rule allows it
    denied,   // a rule denies it
    limit,    // a rule allows it, within limits
    other     // the secret, the host or the way of reading: no rule changes it
};
[[nodiscard]] RefusalKind kind_of_refusal(std::string_view reason);

// The rule that would allow it, had the caller's program another hash; null: none. It was written for one
// content of the program, and a new rule without the hash would undo that.
[[nodiscard]] const Rule* rule_of_another_hash(const Policy& policy, const Caller& caller,
                                               const SecretPath& path, Unseen unseen);

// org/project/domain/KEY, all four given; views into `text`.
[[nodiscard]] Result<SecretPath> read_secret_path(std::string_view text);

}  // namespace coffer
