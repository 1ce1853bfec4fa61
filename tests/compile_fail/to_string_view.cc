// SPDX-License-Identifier: Apache-2.0
//
// A view that is taken unawares outlives its secret, and every text function takes one.
#include <string_view>

#include "keys/secret_buffer.h"

std::size_t use(const coffer::SecretBuffer& secret) {
#ifdef FORBIDDEN
    std::string_view text = secret;
#else
    std::string_view text = "none";
#endif
    return text.size() + secret.size();
}
