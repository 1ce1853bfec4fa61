// SPDX-License-Identifier: Apache-2.0
//
// What every new value needs: a signer who may write there, and the scope key that it is sealed to.
#pragma once

#include <vector>

#include "view/verified_store.h"

namespace coffer {

// Code::not_allowed unless the principal is an owner or an admin of the secret's scope.
[[nodiscard]] Result<void> check_may_write(const Principal& principal, const SecretName& name);

struct SealingKey {
    ScopeKeyId id;
    SealingPublic public_half;
};
// The newest key, or one whose making is appended to `operations`, to stand in the same commit in front of
// the put. Code::not_allowed, with the command that an owner has to run, where the signer may not make it.
[[nodiscard]] Result<SealingKey> sealing_key(const Roster& roster, const Principal& signer,
                                             const Scope& scope, Visibility visibility,
                                             std::vector<Operation>& operations);

}  // namespace coffer
