// SPDX-License-Identifier: Apache-2.0
//
// Two owners of a slot would release it twice.
#include "keys/locked_pool.h"

void use(coffer::LockedPool::Slot& slot) {
#ifdef FORBIDDEN
    coffer::LockedPool::Slot other(slot);
#else
    coffer::LockedPool::Slot other(std::move(slot));
#endif
    (void)other;
}
