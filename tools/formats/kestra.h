// SPDX-License-Identifier: Apache-2.0
//
// Kestra's environment files: lines of SECRET_NAME=base64, or of SECRET_NAME={{ "value" | base64encode }}.
// The KEY is what stands behind SECRET_.
#pragma once

#include "formats/entry.h"
#include "formats/secret_chunks.h"

namespace coffer {

inline constexpr std::string_view kKestraPrefix = "SECRET_";

// Decodes values within `text`. Other variables are no secrets to Kestra: left out, with a warning for each.
[[nodiscard]] Result<Entries> parse_kestra(std::span<std::uint8_t> text);

[[nodiscard]] Result<void> write_kestra(SecretChunks& out, std::string_view key, ByteView value);

}  // namespace coffer
