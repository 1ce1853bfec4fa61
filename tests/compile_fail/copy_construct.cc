// SPDX-License-Identifier: Apache-2.0
//
// A second copy of a secret would outlive the first one's wiping.
#include "keys/secret_buffer.h"

void use(coffer::SecretBuffer& secret) {
#ifdef FORBIDDEN
    coffer::SecretBuffer other(secret);
#else
    coffer::SecretBuffer other(std::move(secret));
#endif
    (void)other;
}
