// SPDX-License-Identifier: Apache-2.0
//
// As copy_construct, by assignment.
#include "keys/secret_buffer.h"

void use(coffer::SecretBuffer& secret, coffer::SecretBuffer& other) {
#ifdef FORBIDDEN
    other = secret;
#else
    other = std::move(secret);
#endif
}
