// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace coffer {

// Wipes the stack below the caller's frame, on which libsodium leaves derived keys and shared points: to be
// called right after each of its functions that makes or uses a private key. Not after a payload was opened:
// what that uses it wipes itself. About 100 ns. Thread-safe.
void wipe_stack();

}  // namespace coffer
