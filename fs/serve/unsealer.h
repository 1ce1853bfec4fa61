// SPDX-License-Identifier: Apache-2.0
//
// Unsealer: from a live version to its bytes, with the public-key step (30 us) and the look at the store at
// most once per version. A bounded cache, the least recently used going first, holds each version's
// ciphertext, its exact length and, in locked memory, the precomputed key of its box; no plaintext. Entries
// go when their version is superseded, removed, purged or expired.
// Thread-safe: every call brings its own scratch memory and payload source, and no lock is held while either
// is used.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "log/backend.h"
#include "serve/catalogue.h"
#include "serve/key_ring.h"
#include "serve/scratch.h"

namespace coffer {

// The ciphertext of one version and all that opening it needs but the key. Immutable, shared.
struct SealedValue {
    Bytes payload;
    Hash payload_id;
    Hash context;
    SealingPublic scope_key_public;
    std::uint32_t secret = 0, scope_key = 0;
    std::uint64_t sealed_as = 0, not_after_ms = 0;
    std::size_t size = 0;  // of the value, exactly
    [[nodiscard]] bool is_large() const { return size > kSmallValue; }
    [[nodiscard]] bool is_sealed_for(const Shown& shown) const {
        return secret == shown.secret && sealed_as == shown.sealed_as && scope_key == shown.scope_key;
    }
};

// A large value in the clear, in locked memory, for all who have it open.
struct LargeCopy {
    SecretBuffer memory;
    std::span<const std::uint8_t> value;
};

class Unsealer {
  public:
    // At most `versions` entries and `ciphertext_bytes` of ciphertext.
    Unsealer(const KeyRing& keys, const StoreId& store, std::size_t versions,
             std::size_t ciphertext_bytes = 64u << 20);

    // Code::no_key; Code::tampered when the payload is missing, changed or not sealed for this place.
    [[nodiscard]] Result<std::shared_ptr<const SealedValue>> load(const Shown& shown, Scratch& scratch,
                                                                  Backend& payloads);
    // Opens into the scratch area. For a value that is not large.
    [[nodiscard]] Result<std::span<const std::uint8_t>> open(const SealedValue& sealed, Scratch& scratch);
    // The shared copy of a large value. Code::limit when no more memory can be locked.
    [[nodiscard]] Result<std::shared_ptr<const LargeCopy>> open_large(const SealedValue& sealed,
                                                                      Scratch& scratch);
    void drop(const Hash& payload);
    void clear();
    void drop_expired(std::uint64_t now_ms);

    struct Size {
        std::size_t versions = 0, ciphertext_bytes = 0, locked_bytes = 0;
    };
    [[nodiscard]] Size size() const;

  private:
    struct Entry {
        std::shared_ptr<const SealedValue> sealed;
        LockedPool::Slot box_key;
    };
    using Entries = std::list<Entry>;  // the most recently used first

    struct Found {
        std::shared_ptr<const SealedValue> sealed;  // or null
        std::uint64_t clears = 0;                   // so far, for keep()
    };
    [[nodiscard]] Found find(const Shown& shown);
    // The box key, into the scratch; derived and kept anew when the cache has lost it.
    [[nodiscard]] Result<void> fetch_box_key(const SealedValue& sealed, Scratch& scratch);
    [[nodiscard]] Result<SealingPublic> derive_box_key(ByteView payload, std::uint32_t scope_key,
                                                       Scratch& scratch, ScopeKeyId& id);
    // Not when the cache was cleared after find() has looked: what is kept then was known before.
    void keep(std::shared_ptr<const SealedValue> sealed, std::span<const std::uint8_t, 32> box_key,
              std::uint64_t clears);
    void erase(Entries::iterator entry);

    const KeyRing& keys_;
    const StoreId store_;
    const std::size_t max_versions_, max_bytes_;
    LockedPool pool_;           // outlives the entries
    mutable std::mutex mutex_;  // before the pool's own; guards all below
    Entries entries_;
    std::unordered_map<Hash, Entries::iterator, FixedBytesHash> by_payload_;
    std::size_t bytes_ = 0;
    std::uint64_t clears_ = 0;          // how often
    std::uint64_t next_expiry_ms_ = 0;  // no entry expires before; 0: none does
    std::unordered_map<Hash, std::weak_ptr<const LargeCopy>, FixedBytesHash> large_;
};

}  // namespace coffer
