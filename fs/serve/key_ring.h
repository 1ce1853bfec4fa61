// SPDX-License-Identifier: Apache-2.0
//
// KeyRing: the private halves of the scope keys that this host was granted, in locked memory, found by a
// scope key's place in the roster. The store watch adds, the workers read. A scope key never changes, so what
// is held stays right; a host that is removed loses all of them at once (clear).
#pragma once

#include <cstdint>
#include <deque>
#include <shared_mutex>
#include <span>

#include "keys/locked_pool.h"
#include "view/verified_store.h"

namespace coffer {

class KeyRing {
  public:
    explicit KeyRing(std::size_t capacity = 65536);

    // Unseals every grant to `host` that is not held yet. Bad grants are left out: what needs them is ENOKEY.
    // One thread.
    [[nodiscard]] Result<void> learn(VerifiedStore& store, const Identity& host);
    void clear();

    struct PublicPart {
        ScopeKeyId id;
        SealingPublic public_half;
    };
    // Copies the private half to `out`, which is locked memory. Code::no_key.
    [[nodiscard]] Result<PublicPart> copy_key(std::uint32_t scope_key, std::span<std::uint8_t, 32> out) const;
    [[nodiscard]] std::size_t held() const;

  private:
    struct Key {
        PublicPart known;
        LockedPool::Slot secret;  // empty: not granted
    };
    LockedPool pool_;
    mutable std::shared_mutex mutex_;  // a leaf
    std::deque<Key> keys_;             // guarded by mutex_; as in the roster
};

}  // namespace coffer
