// SPDX-License-Identifier: Apache-2.0
//
// Whether one rule names everything that another one names. Pure. Says yes only where it is certain: two
// patterns with stars may cover each other in ways that are not found.
#pragma once

#include <string_view>

#include "access/policy/policy_rule.h"

namespace coffer {

// Every text that `inner` matches, `outer` matches too.
[[nodiscard]] bool covers(const Glob& outer, const Glob& inner);
// Every caller and every secret of `inner` is one of `outer`, which may allow or deny.
[[nodiscard]] bool covers(const Rule& outer, const Rule& inner);
// `outer`, which comes first, permits whatever `inner` permits and presents it likewise: `inner` adds
// nothing.
[[nodiscard]] bool makes_useless(const Rule& outer, const Rule& inner);

}  // namespace coffer
