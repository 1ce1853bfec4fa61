// SPDX-License-Identifier: Apache-2.0
//
// Not even when asked for by name.
#include <string>

#include "keys/secret_buffer.h"

std::string use(const coffer::SecretBuffer& secret) {
#ifdef FORBIDDEN
    return std::string(secret);
#else
    return std::string(secret.size(), '*');
#endif
}
