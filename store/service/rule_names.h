// SPDX-License-Identifier: Apache-2.0
//
// The names of the rules that a refusal may carry, so that a name that came over a socket becomes the literal
// that Error::rule wants. docs/store-format.md says what each means; a test compares this list with the
// sources.
#pragma once

#include <string_view>

namespace coffer {

// For a name that this program does not know: never empty, so that a refusal by a rule stays one.
inline constexpr std::string_view kUnknownRule = "unknown";

// The literal that spells `name`; empty for an empty name.
[[nodiscard]] std::string_view known_rule(std::string_view name);

}  // namespace coffer
