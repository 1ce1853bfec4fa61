// SPDX-License-Identifier: Apache-2.0
//
// RuleDraft: a rule to be pasted into a policy file, with the selectors that name one caller best: the unit
// and the user where there is a unit that lasts; else the user and its program, for a program alone can be
// forged and a session's scope is another one tomorrow. A value; thread-safe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "access/attest/caller.h"
#include "access/policy/policy.h"
#include "base/result.h"

namespace coffer {

struct RuleDraft {
    std::vector<std::string> comments;  // lines in front of the rule
    std::string name;
    std::vector<std::string> secrets;  // patterns
    std::string unit, user_unit;       // empty: not selected by
    std::optional<uid_t> uid;
    std::vector<std::string> exes;

    // "checkout.service as checkout", "psql as olga".
    [[nodiscard]] std::string who() const;
    [[nodiscard]] std::string toml() const;
};

// "# text" as one line, whatever the text holds.
[[nodiscard]] std::string comment_line(std::string_view text);

// Without name and secrets. Code::invalid for a caller that no pattern can name (a program's path with a
// star, or with bytes that TOML does not take).
[[nodiscard]] Result<RuleDraft> draft_for(const Caller& caller);
// `name`, or "name (2)" and so on: not in `taken`, to which it is added. A long one ends in "...", for a
// rule's name has at most kMaxRuleName bytes.
[[nodiscard]] std::string unique_name(std::string_view name, std::set<std::string>& taken);

// As a policy of its own: it allows this caller, but no other program's user, unit or user unit, and not the
// next KEY unless a pattern has a star. What is handed out to be pasted has passed this.
[[nodiscard]] Result<void> check_draft(const RuleDraft& draft, const Caller& caller, const SecretPath& path);

}  // namespace coffer
