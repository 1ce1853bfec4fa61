// SPDX-License-Identifier: Apache-2.0
//
// Small files that are replaced whole: read with a bound, written beside and renamed over, so that a crash
// leaves the old or the new one and never half. Thread-safe for different paths.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace coffer {

// Nothing when the file does not exist. Code::invalid when it is no regular file or over `limit` bytes.
[[nodiscard]] Result<std::optional<std::string>> read_small_file(const std::filesystem::path& path,
                                                                 std::size_t limit);
// On return the content is on the disk; the rename reaches it with the folder's next write, and a crash
// before that shows the old file.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& path, std::string_view content,
                                        mode_t mode);

}  // namespace coffer
