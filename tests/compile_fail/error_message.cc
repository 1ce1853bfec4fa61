// SPDX-License-Identifier: Apache-2.0
//
// No message ever holds a byte of a secret.
#include "keys/secret_buffer.h"

coffer::Result<void> use(const coffer::SecretBuffer& secret) {
#ifdef FORBIDDEN
    return coffer::fail(coffer::Code::invalid, "found ", secret);
#else
    return coffer::fail(coffer::Code::invalid, "found ", secret.size(), " bytes");
#endif
}
