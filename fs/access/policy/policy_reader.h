// SPDX-License-Identifier: Apache-2.0
//
// From the text of a policy file to rules. Every error names file:line:column. Looks up users and groups.
#pragma once

#include <vector>

#include "access/policy/policy_rule.h"

namespace coffer {

[[nodiscard]] Result<std::vector<Rule>> read_rules(const PolicySource& source);
// "acme/*/production/DB_*", "acme/**": four segments, of which one "**" stands for as many as are missing.
[[nodiscard]] Result<SecretPattern> read_secret_pattern(std::string_view text);

}  // namespace coffer
