// SPDX-License-Identifier: Apache-2.0
//
// What is done with an open file in several places. Thread-safe.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace coffer {

// False with errno when not everything could be written.
[[nodiscard]] bool write_all(int fd, ByteView content);

// From where the file stands to its end. Code::unavailable when it cannot be read, Code::invalid when there
// are more than `limit` bytes. `what` names the file in messages.
[[nodiscard]] Result<std::string> read_to_end(int fd, std::size_t limit, std::string_view what);

// The name of this file or folder outlives a loss of power from here on, as its content does after fsync.
// Code::unavailable.
[[nodiscard]] Result<void> sync_name(const std::filesystem::path& path);

// Owned by root or by this user, not writable by group or others; else Code::not_allowed with the command
// that mends it.
[[nodiscard]] Result<void> check_owner(const struct stat& status, std::string_view what);
// The second half of it.
[[nodiscard]] Result<void> check_closed(const struct stat& status, std::string_view what);

}  // namespace coffer
