// SPDX-License-Identifier: Apache-2.0
//
// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing past U+10FFFF. Pure, allocates nothing:
// secrets are looked at where they lie.
#pragma once

#include "base/bytes.h"

namespace coffer {

[[nodiscard]] bool is_utf8(ByteView text);

}  // namespace coffer
