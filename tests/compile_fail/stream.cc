// SPDX-License-Identifier: Apache-2.0
//
// A secret has no place in a log line.
#include <iostream>

#include "keys/secret_buffer.h"

void use(const coffer::SecretBuffer& secret) {
#ifdef FORBIDDEN
    std::cout << secret;
#else
    std::cout << secret.size();
#endif
}
