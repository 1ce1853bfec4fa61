// SPDX-License-Identifier: Apache-2.0
//
// The end of an attack: the daemon stops, and `coffer policy explain` is right about each refusal on record.
#pragma once

#include "support/attack.h"

namespace coffer::test {

// Each refusal of the log, explained by the policy that is in force at the end, is explained as it was
// decided.
void check_explained(const MountedStore& mounted);

inline void end(MountedStore& mounted) {
    mounted.stop();
    check_explained(mounted);
}

}  // namespace coffer::test
