// SPDX-License-Identifier: Apache-2.0
//
// An identity is held once.
#include "keys/identity.h"

void use(coffer::Identity& identity) {
#ifdef FORBIDDEN
    coffer::Identity other(identity);
#else
    coffer::Identity other(std::move(identity));
#endif
    (void)other;
}
