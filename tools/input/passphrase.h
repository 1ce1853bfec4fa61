// SPDX-License-Identifier: Apache-2.0
//
// Where a passphrase comes from: --passphrase-file, else $COFFER_PASSPHRASE_FILE, else the terminal. A file,
// never a variable with the passphrase itself: an environment is inherited and shown in /proc. A pipe or
// /dev/fd/N will do. One line end at its end is not part of it.
#pragma once

#include <optional>
#include <string>

#include "keys/identity_file.h"

namespace coffer {

// The file that was named, if any.
[[nodiscard]] std::optional<std::string> passphrase_file(const std::optional<std::string>& option);

// For opening an identity: asks only when load_identity needs it.
[[nodiscard]] PassphraseSource passphrase_source(const std::optional<std::string>& option,
                                                 std::string identity_path);

// For making one: from the file, or asked twice.
[[nodiscard]] Result<SecretBuffer> new_passphrase(const std::optional<std::string>& option,
                                                  std::string_view what);

}  // namespace coffer
