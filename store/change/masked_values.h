// SPDX-License-Identifier: Apache-2.0
//
// MaskedValues: the values of masked secrets, for an identity that may open them. It keeps the scope keys
// that it has opened, for a whole scope is read under one or two. One thread at a time.
#pragma once

#include <map>

#include "view/verified_store.h"

namespace coffer {

class MaskedValues {
  public:
    // Both must outlive this.
    MaskedValues(VerifiedStore& store, const Identity& identity) : store_(store), identity_(identity) {}

    // Code::not_allowed for a restricted one: nobody's tool reveals it. Code::no_key for one that this
    // identity was not granted.
    [[nodiscard]] Result<SecretBuffer> value(const Secret& secret, const Version& version);

  private:
    VerifiedStore& store_;
    const Identity& identity_;
    std::map<ScopeKeyId, SecretBuffer> keys_;
};

}  // namespace coffer
