// SPDX-License-Identifier: Apache-2.0
//
// Operations of commits in words and as JSON, for `log`. Ids are shown as the names that the roster knows.
#pragma once

#include <string>
#include <vector>

#include "log/operation.h"
#include "output/output.h"
#include "view/roster.h"

namespace coffer {

// "put acme/checkout/production/DB_PASSWORD version 3; 2 grants".
[[nodiscard]] std::string operations_text(const std::vector<Operation>& operations, const Roster& roster);
[[nodiscard]] Json operation_json(const Operation& operation, const Roster& roster);

}  // namespace coffer
