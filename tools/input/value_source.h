// SPDX-License-Identifier: Apache-2.0
//
// Where a value comes from: stdin byte for byte when it is no terminal, a file, a prompt without echo, or the
// command line (which others can see). Read straight into locked memory.
#pragma once

#include <optional>
#include <string>

#include "keys/secret_buffer.h"

namespace coffer {

enum class FileTrust { any, owner_only };  // owner_only: a regular file must be closed to group and others

// The whole of a file, pipe or device. Code::invalid when it has more than `limit` bytes.
[[nodiscard]] Result<SecretBuffer> read_value_file(const std::string& path, std::size_t limit,
                                                   FileTrust trust);

// The whole of a secret in the mount.
[[nodiscard]] Result<SecretBuffer> read_mounted_file(const std::string& path);

// The whole of stdin, whatever it is.
[[nodiscard]] Result<SecretBuffer> read_stdin(std::size_t limit);

struct ValueOptions {
    std::optional<std::string> value;      // --value
    std::optional<std::string> from_file;  // --from-file
};
// At most kMaxValue bytes. Wipes options.value.
[[nodiscard]] Result<SecretBuffer> read_value(ValueOptions& options, std::string_view name);

}  // namespace coffer
