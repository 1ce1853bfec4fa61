// SPDX-License-Identifier: Apache-2.0
//
// Base64 (RFC 4648, with padding) of secret bytes, from locked memory into locked memory.
#pragma once

#include <optional>
#include <span>

#include "keys/secret_buffer.h"

namespace coffer {

[[nodiscard]] Result<SecretBuffer> base64(ByteView bytes);

// Decodes `text` where it stands and returns the bytes, which begin there too. The padding may be missing.
// Nothing, and `text` is spoilt, when it is no base64 or has bits that no byte takes.
[[nodiscard]] std::optional<ByteView> decode_base64(std::span<std::uint8_t> text);

}  // namespace coffer
