// SPDX-License-Identifier: Apache-2.0
//
// The README that `init` puts into an empty policy folder: an example that nothing reads.
#pragma once

#include <string>
#include <string_view>

namespace coffer {

[[nodiscard]] std::string policy_example(std::string_view org);
// For the store of an ordinary user, whose own programs read it.
[[nodiscard]] std::string own_policy_example(std::string_view org, std::string_view user);

}  // namespace coffer
