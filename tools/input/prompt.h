// SPDX-License-Identifier: Apache-2.0
//
// Questions to the person at the terminal: always /dev/tty, never stdin or stdout, which may be pipes.
// Secrets are read without echo, straight into locked memory. A signal during a prompt restores the terminal
// first and then does what it would have done.
#pragma once

#include <string_view>

#include "base/result.h"
#include "keys/secret_buffer.h"

namespace coffer {

// A terminal's line holds at most 4,095 bytes; longer values come from a file or a pipe.
inline constexpr std::size_t kMaxPrompted = 4095;

// One line without its end. Code::invalid when there is no terminal; `instead` says what to use then.
[[nodiscard]] Result<SecretBuffer> prompt_secret(std::string_view question, std::string_view instead);
// Asked twice; Code::invalid when the answers differ or are empty.
[[nodiscard]] Result<SecretBuffer> prompt_new_passphrase(std::string_view what);

// Returns when the answer is yes, or at once when `yes` is set (--yes). Code::invalid when nobody can be
// asked, Code::failed when the answer is anything else.
[[nodiscard]] Result<void> confirm(std::string_view question, bool yes);
// For what takes away much at once: the answer has to be `name` itself.
[[nodiscard]] Result<void> confirm_by_name(std::string_view what_happens, std::string_view name, bool yes);

}  // namespace coffer
