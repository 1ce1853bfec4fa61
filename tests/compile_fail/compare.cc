// SPDX-License-Identifier: Apache-2.0
//
// The operator would stop at the first difference; equals() takes the same time for every one.
#include "keys/secret_buffer.h"

bool use(const coffer::SecretBuffer& secret, const coffer::SecretBuffer& other) {
#ifdef FORBIDDEN
    return secret == other;
#else
    return secret.equals(other.view());
#endif
}
