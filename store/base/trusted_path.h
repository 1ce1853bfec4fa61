// SPDX-License-Identifier: Apache-2.0
//
// A file is what its own mode says only where nobody else can put another one in its place. Thread-safe.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>

#include "base/result.h"

namespace coffer {

// Every folder on the way to `path`, symbolic links followed, belongs to root, to this user or to `also`, and
// is not writable by a group or by others, but where its sticky bit keeps them from what is not theirs; and
// so does each such link. A group that is root's, or that Debian has made for this user alone, is no other.
// Code::not_allowed with the folder, what is wrong with it and the command that mends it. `path` itself is
// not looked at, and what is missing is left to whoever opens it.
[[nodiscard]] Result<void> check_folders_above(const std::filesystem::path& path,
                                               std::optional<uid_t> also = std::nullopt);

}  // namespace coffer
