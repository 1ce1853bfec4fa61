// SPDX-License-Identifier: Apache-2.0
//
// Rotation: a new generation of scope keys, and live values sealed to it anew.
#pragma once

#include "change/commit_change.h"

namespace coffer {

struct RotateRequest {
    std::optional<Scope> scope;  // none: every scope
    bool stale_only = true;      // false: a new generation although the present one is not stale
    bool reseal = false;         // put live values anew under the new generation
};
struct RotateOutcome {
    Committed committed;
    std::uint32_t rotated = 0, resealed = 0;
};
// Goes on where an interrupted rotation stopped.
[[nodiscard]] Result<RotateOutcome> rotate(VerifiedStore& store, const Identity& signer,
                                           const RotateRequest& request);

}  // namespace coffer
