// SPDX-License-Identifier: Apache-2.0
//
// A folder of files, each a value byte for byte: what Kubernetes mounts, /run/secrets, a tree of one's own.
// The name of an entry is the file's path below the folder, with / between its segments.
#pragma once

#include <filesystem>

#include "formats/entry.h"
#include "formats/secret_chunks.h"

namespace coffer {

enum class HiddenFiles { read, skip };  // those below a name that begins with a dot

// Reads the files into `memory`, sorted by name. Names that begin with two dots are Kubernetes' own and left
// out. A link to a file below the folder is read as that file; a link to a folder is left out, with a
// warning. An error for a link that leads out, for what is neither a file nor a folder, and for a value over
// kMaxValue.
[[nodiscard]] Result<Entries> read_directory(const std::filesystem::path& folder, HiddenFiles hidden,
                                             SecretChunks& memory);

}  // namespace coffer
