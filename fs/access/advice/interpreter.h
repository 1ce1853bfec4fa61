// SPDX-License-Identifier: Apache-2.0
//
// Programs that run whatever they are told to: a rule that names one names every script of the caller. Known
// by their names, versions aside; a list can never be whole, so it is for warnings only.
#pragma once

#include <string_view>

namespace coffer {

[[nodiscard]] bool is_interpreter(std::string_view path);

}  // namespace coffer
