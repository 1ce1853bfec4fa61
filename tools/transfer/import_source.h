// SPDX-License-Identifier: Apache-2.0
//
// ImportSource: the secrets in a file, a folder or stdin, parsed where they stand in locked memory.
#pragma once

#include <optional>
#include <string>

#include "formats/format.h"
#include "formats/secret_chunks.h"

namespace coffer {

class ImportSource {
  public:
    // `path`: a file, a folder, or - for stdin. Without a format it is guessed: a folder with .gpg-id is
    // pass's, a text as guess_format says. At most kMaxImport bytes in one text.
    [[nodiscard]] static Result<ImportSource> read(const std::string& path, std::optional<Format> format);

    [[nodiscard]] Format format() const { return format_; }
    // The values lie in this object, which may be moved.
    [[nodiscard]] Entries& entries() { return entries_; }

  private:
    [[nodiscard]] static Result<ImportSource> read_tree(const std::string& path, Format format);
    Format format_ = Format::dotenv;
    SecretBuffer text_;
    SecretChunks files_;
    Entries entries_;
};

inline constexpr std::size_t kMaxImport = (64u << 20) - 1;

}  // namespace coffer
