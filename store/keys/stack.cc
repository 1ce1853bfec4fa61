// SPDX-License-Identifier: Apache-2.0
#include "keys/stack.h"

#include <sodium.h>

namespace coffer {

void wipe_stack() {
    sodium_stackzero(8192);  // more than the deepest of them takes, an Ed25519 signature
}

}  // namespace coffer
