// SPDX-License-Identifier: Apache-2.0
//
// NewFiles: what `init` and `export` make. Nothing is ever overwritten, and unless keep() was called
// everything that was made, and only that, is removed again, the last first.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace coffer {

class NewFiles {
  public:
    NewFiles() = default;
    ~NewFiles();
    NewFiles(const NewFiles&) = delete;
    NewFiles& operator=(const NewFiles&) = delete;

    // Code::conflict when something is there already, of whatever kind.
    [[nodiscard]] static Result<void> expect_nothing(const std::filesystem::path& path);
    // Makes a folder and those above it, durable on return; one that is there already is left as it is.
    [[nodiscard]] Result<void> folder(const std::filesystem::path& path, mode_t mode);
    // The same, but Code::conflict when there is anything at `path`: nobody else's folder is written into.
    [[nodiscard]] Result<void> new_folder(const std::filesystem::path& path, mode_t mode);
    // Makes a file, whose name is durable after sync(); Code::conflict when there is anything, a link too.
    // `parts`: what is in it, one behind the other.
    [[nodiscard]] Result<void> file(const std::filesystem::path& path, std::string_view text, mode_t mode);
    [[nodiscard]] Result<void> file(const std::filesystem::path& path, std::span<const ByteView> parts,
                                    mode_t mode);
    // Somebody else made this, a file or a whole folder, and it did not exist before.
    void made(const std::filesystem::path& path) { made_.push_back(path); }
    // All that was made is durable on return: folders are synced here, once for many files.
    [[nodiscard]] Result<void> sync() const;
    void keep() { made_.clear(); }

  private:
    std::vector<std::filesystem::path> made_;
};

}  // namespace coffer
