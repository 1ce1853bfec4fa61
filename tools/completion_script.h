// SPDX-License-Identifier: Apache-2.0
//
// The completion scripts of tools/completions/, as they are installed: part of the program, so that a copy of
// it alone can set up a shell. completion_script.cc is made from them by CMake.
#pragma once

#include <string_view>

namespace coffer {

// "bash", "zsh" or "fish"; empty for any other.
[[nodiscard]] std::string_view completion_script(std::string_view shell);

}  // namespace coffer
