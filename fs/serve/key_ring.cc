// SPDX-License-Identifier: Apache-2.0
#include "serve/key_ring.h"

#include <algorithm>
#include <mutex>

namespace coffer {

KeyRing::KeyRing(std::size_t capacity) : pool_(32, capacity) {}

Result<void> KeyRing::learn(VerifiedStore& store, const Identity& host) {
    const auto& known = store.view().roster().scope_keys();
    for (std::size_t i = 0; i < known.size(); ++i) {
        // Only this thread changes keys_, so it may look without the lock.
        if (i < keys_.size() && keys_[i].secret) continue;
        Key key{{known[i].id, known[i].public_half}, {}};
        auto secret = store.scope_key(host, known[i].id);
        if (!secret && secret.error().code != Code::no_key) return tl::make_unexpected(secret.error());
        if (secret) {
            COFFER_TRY(key.secret, pool_.acquire());
            std::ranges::copy(secret->view(), key.secret.bytes().begin());
        }
        std::unique_lock lock(mutex_);
        if (i < keys_.size())
            keys_[i] = std::move(key);
        else
            keys_.push_back(std::move(key));
    }
    return {};
}

void KeyRing::clear() {
    std::unique_lock lock(mutex_);
    for (Key& key : keys_) key.secret = {};
}

Result<KeyRing::PublicPart> KeyRing::copy_key(std::uint32_t scope_key,
                                              std::span<std::uint8_t, 32> out) const {
    std::shared_lock lock(mutex_);
    if (scope_key >= keys_.size() || !keys_[scope_key].secret)
        return fail(Code::no_key, "this host holds no grant of scope key ", scope_key);
    std::ranges::copy(keys_[scope_key].secret.bytes(), out.begin());
    return keys_[scope_key].known;
}

std::size_t KeyRing::held() const {
    std::shared_lock lock(mutex_);
    return static_cast<std::size_t>(
        std::ranges::count_if(keys_, [](const Key& key) { return static_cast<bool>(key.secret); }));
}

}  // namespace coffer
