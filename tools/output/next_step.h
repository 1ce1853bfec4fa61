// SPDX-License-Identifier: Apache-2.0
//
// NextStep: every error says what to run next. A message that knows better names a command itself, between
// back-quotes; the others get one by what kind of error it is and which verb met it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace coffer {

// The message, with "; see `coffer ...`" at its end where it names no command yet. `verb`: "scope add", or
// empty when none was understood. Of Code::failed it adds nothing: the system said no, or a person did.
[[nodiscard]] std::string with_next_step(const Error& error, std::string_view verb);

}  // namespace coffer
