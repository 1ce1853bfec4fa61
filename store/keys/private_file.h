// SPDX-License-Identifier: Apache-2.0
//
// A file that holds a private key: readable by its owner alone, who is root or this user, read straight into
// locked memory and written once.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "keys/secret_buffer.h"

namespace coffer {

// The whole file, at most `limit` bytes. Refuses (Code::not_allowed) one that its group or others can read or
// write, or that belongs to neither root nor this user. An access list that names this user alone is no such
// grant: systemd hands credentials over that way. Code::not_found when there is none.
[[nodiscard]] Result<SecretBuffer> read_private_file(const std::filesystem::path& path, std::size_t limit);

// Creates the file with mode 0400; Code::conflict when it exists. Durable on return; a failure leaves
// nothing.
[[nodiscard]] Result<void> create_private_file(const std::filesystem::path& path, ByteView content);

}  // namespace coffer
