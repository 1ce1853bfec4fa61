// SPDX-License-Identifier: Apache-2.0
//
// Base64 (RFC 4648, with padding) of secret bytes, from locked memory into locked memory.
#pragma once

#include "keys/secret_buffer.h"

namespace coffer {

[[nodiscard]] Result<SecretBuffer> base64(ByteView bytes);

}  // namespace coffer
