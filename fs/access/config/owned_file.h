// SPDX-License-Identifier: Apache-2.0
//
// Files that decide who may read what: they count only when nobody but root and this user can have written
// them. Checked on the open descriptor, so that what is checked is what is read. Thread-safe.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace coffer {

// The whole of a regular file, at most 1 MiB. Symbolic links are followed; the file behind them is checked,
// and every folder on the way to it.
[[nodiscard]] Result<std::string> read_owned_file(const std::filesystem::path& file);
// The same of whoever it belongs to and at most `limit` bytes: for a tool that looks at what another user's
// daemon would read, and decides nothing by it.
[[nodiscard]] Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t limit);

}  // namespace coffer
