// SPDX-License-Identifier: Apache-2.0
//
// The extended attributes of a secret: user.coffer.scope, .version, .visibility, .expires and .writer. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "serve/catalogue.h"

namespace coffer {

// Nothing for a name that is none of them. `expires` is RFC 3339 in UTC, or "never".
[[nodiscard]] std::optional<std::string> secret_attribute(const Shown& shown, std::string_view name);
// All names, each ended by a NUL.
[[nodiscard]] std::string_view secret_attribute_names();

}  // namespace coffer
