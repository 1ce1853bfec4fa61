// SPDX-License-Identifier: Apache-2.0
//
// Bytes are for what is not secret.
#include "keys/secret_buffer.h"

std::size_t use(const coffer::SecretBuffer& secret) {
#ifdef FORBIDDEN
    coffer::Bytes bytes = secret;
#else
    coffer::Bytes bytes(secret.size());
#endif
    return bytes.size();
}
