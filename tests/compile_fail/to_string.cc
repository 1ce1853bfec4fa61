// SPDX-License-Identifier: Apache-2.0
//
// A string is neither locked nor wiped.
#include <string>

#include "keys/secret_buffer.h"

std::string use(const coffer::SecretBuffer& secret) {
#ifdef FORBIDDEN
    std::string text = secret;
#else
    std::string text(secret.size(), '*');
#endif
    return text;
}
