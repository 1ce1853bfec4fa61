// SPDX-License-Identifier: Apache-2.0
//
// Dotenv: lines of KEY=value, as its readers in many languages agree on them: docs/import.md, "dotenv".
// Nothing is expanded or run: `$` and what follows is part of the value.
#pragma once

#include "formats/entry.h"
#include "formats/secret_chunks.h"

namespace coffer {

// Decodes values within `text`.
[[nodiscard]] Result<Entries> parse_dotenv(std::span<std::uint8_t> text);

// One entry, so that parse_dotenv gives it back byte for byte, in quotes that shells and other readers
// understand where one kind of them can. Code::invalid for a NUL byte, which they cannot write.
[[nodiscard]] Result<void> write_dotenv(SecretChunks& out, std::string_view key, ByteView value);

}  // namespace coffer
