// SPDX-License-Identifier: Apache-2.0
//
// Format: the ways in which secrets are written that `import` reads and `export` writes.
#pragma once

#include "formats/entry.h"

namespace coffer {

enum class Format { dotenv, kestra, json, dir, pass };
[[nodiscard]] std::string_view to_text(Format format);
[[nodiscard]] Result<Format> parse_format(std::string_view text);
// Of a folder of files, not of one text.
[[nodiscard]] constexpr bool is_tree(Format format) {
    return format == Format::dir || format == Format::pass;
}

// Dotenv, Kestra's or JSON. An error when it may be either of the first two, for a value would be decoded
// that was meant as it stands.
[[nodiscard]] Result<Format> guess_format(ByteView text);

// Not for a tree. Decodes values within `text`.
[[nodiscard]] Result<Entries> parse_entries(Format format, std::span<std::uint8_t> text);

}  // namespace coffer
