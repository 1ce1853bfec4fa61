// SPDX-License-Identifier: Apache-2.0
//
// An Explanation of the policy in words and as JSON, the same for a process, for facts and for a record.
#pragma once

#include "access/advice/policy_explain.h"
#include "output/output.h"

namespace coffer {

// "\"name\" (file:line:column)".
[[nodiscard]] std::string rule_place(const Rule& rule);
void print_explanation(const Explanation& explanation, Output& out);
[[nodiscard]] Json explanation_json(const Explanation& explanation);

}  // namespace coffer
