// SPDX-License-Identifier: Apache-2.0
#include "serve/unsealer.h"

#include <algorithm>

namespace coffer {
namespace {

// Checked against its hash before anything else looks at it.
Result<Bytes> fetch_payload(const Shown& shown, Backend& payloads) {
    auto payload = payloads.payload(shown.payload);
    if (!payload && payload.error().code == Code::not_found) {
        // A store file that was replaced is noticed when its head is read.
        COFFER_CHECK(payloads.head());
        payload = payloads.payload(shown.payload);
    }
    if (!payload && payload.error().code == Code::not_found)
        return refuse(Code::tampered, "payload.missing", "the payload of ", shown.scope, '/', shown.key,
                      " version ", shown.version, " is missing from the store and was never purged");
    if (!payload) return payload;
    if (payload_hash(*payload) != shown.payload || payload->size() != shown.padded_len + kPayloadOverhead)
        return refuse(Code::tampered, "payload.hash", "the payload of ", shown.scope, '/', shown.key,
                      " version ", shown.version, " was changed in the store");
    return payload;
}

Hash context_of(const StoreId& store, const Shown& shown, const ScopeKeyId& scope_key) {
    SecretName name{Scope{std::string(shown.org), std::string(shown.project), std::string(shown.domain)},
                    std::string(shown.key)};
    return payload_context(store, name, shown.visibility, shown.sealed_as, scope_key);
}

}  // namespace

Unsealer::Unsealer(const KeyRing& keys, const StoreId& store, std::size_t versions,
                   std::size_t ciphertext_bytes)
    : keys_(keys),
      store_(store),
      max_versions_(versions),
      max_bytes_(ciphertext_bytes),
      pool_(32, versions) {}

Unsealer::Found Unsealer::find(const Shown& shown) {
    std::lock_guard lock(mutex_);
    auto found = by_payload_.find(shown.payload);
    // The same payload under another name is another matter: it must fail to open, not be found here.
    if (found == by_payload_.end() || !found->second->sealed->is_sealed_for(shown)) return {nullptr, clears_};
    entries_.splice(entries_.begin(), entries_, found->second);
    return {found->second->sealed, clears_};
}

Result<std::shared_ptr<const SealedValue>> Unsealer::load(const Shown& shown, Scratch& scratch,
                                                          Backend& payloads) {
    auto [cached, clears] = find(shown);
    if (cached) return cached;
    auto sealed = std::make_shared<SealedValue>();
    COFFER_TRY(sealed->payload, fetch_payload(shown, payloads));
    sealed->payload_id = shown.payload;
    sealed->secret = shown.secret;
    sealed->scope_key = shown.scope_key;
    sealed->sealed_as = shown.sealed_as;
    sealed->not_after_ms = shown.not_after_ms;
    ScopeKeyId id;
    COFFER_TRY(sealed->scope_key_public, derive_box_key(sealed->payload, shown.scope_key, scratch, id));
    sealed->context = context_of(store_, shown, id);

    // Opened once for the exact length, which is inside the box.
    const std::size_t room = opened_size(sealed->payload.size());
    SecretBuffer large;
    std::span<std::uint8_t> area = scratch.area();
    if (room > area.size()) {
        COFFER_TRY(large, SecretBuffer::allocate(room));
        area = large.writable();
    }
    auto value =
        open_payload(sealed->payload, scratch.box_key(), sealed->scope_key_public, sealed->context, area);
    if (value) sealed->size = value->size();
    wipe(area.first(room));
    if (value) keep(sealed, scratch.box_key(), clears);
    wipe(scratch.box_key());
    if (!value) return wrap(value.error(), shown.scope, '/', shown.key, " version ", shown.version);
    return sealed;
}

Result<SealingPublic> Unsealer::derive_box_key(ByteView payload, std::uint32_t scope_key, Scratch& scratch,
                                               ScopeKeyId& id) {
    COFFER_TRY(auto known, keys_.copy_key(scope_key, scratch.scope_key()));
    auto derived = precompute_box_key(payload, scratch.scope_key(), scratch.box_key());
    wipe(scratch.scope_key());
    if (!derived) return tl::make_unexpected(derived.error());
    id = known.id;
    return known.public_half;
}

Result<void> Unsealer::fetch_box_key(const SealedValue& sealed, Scratch& scratch) {
    {
        std::lock_guard lock(mutex_);
        auto found = by_payload_.find(sealed.payload_id);
        if (found != by_payload_.end() && found->second->box_key) {
            std::ranges::copy(found->second->box_key.bytes(), scratch.box_key().begin());
            entries_.splice(entries_.begin(), entries_, found->second);
            return {};
        }
    }
    ScopeKeyId ignored;
    COFFER_CHECK(derive_box_key(sealed.payload, sealed.scope_key, scratch, ignored));
    return {};
}

Result<std::span<const std::uint8_t>> Unsealer::open(const SealedValue& sealed, Scratch& scratch) {
    COFFER_CHECK(fetch_box_key(sealed, scratch));
    auto value = open_payload(sealed.payload, scratch.box_key(), sealed.scope_key_public, sealed.context,
                              scratch.area());
    wipe(scratch.box_key());
    if (!value) return tl::make_unexpected(value.error());
    return std::span<const std::uint8_t>(*value);
}

Result<std::shared_ptr<const LargeCopy>> Unsealer::open_large(const SealedValue& sealed, Scratch& scratch) {
    {
        std::lock_guard lock(mutex_);
        auto found = large_.find(sealed.payload_id);
        if (found != large_.end())
            if (auto shared = found->second.lock()) return shared;
    }
    COFFER_CHECK(fetch_box_key(sealed, scratch));
    auto copy = std::make_shared<LargeCopy>();
    auto memory = SecretBuffer::allocate(opened_size(sealed.payload.size()));
    if (!memory) {
        wipe(scratch.box_key());
        return tl::make_unexpected(memory.error());
    }
    copy->memory = std::move(*memory);
    auto value = open_payload(sealed.payload, scratch.box_key(), sealed.scope_key_public, sealed.context,
                              copy->memory.writable());
    wipe(scratch.box_key());
    if (!value) return tl::make_unexpected(value.error());
    copy->value = *value;

    std::lock_guard lock(mutex_);
    std::erase_if(large_, [](const auto& one) { return one.second.expired(); });
    auto& place = large_[sealed.payload_id];
    if (auto other = place.lock()) return other;  // another thread was quicker; ours is wiped
    place = copy;
    return copy;
}

void Unsealer::keep(std::shared_ptr<const SealedValue> sealed, std::span<const std::uint8_t, 32> box_key,
                    std::uint64_t clears) {
    std::lock_guard lock(mutex_);
    if (clears != clears_) return;
    if (auto old = by_payload_.find(sealed->payload_id); old != by_payload_.end()) erase(old->second);
    while (!entries_.empty() &&
           (entries_.size() >= max_versions_ || bytes_ + sealed->payload.size() > max_bytes_))
        erase(std::prev(entries_.end()));
    auto slot = pool_.acquire();
    if (!slot) return;  // no more locked memory: this one is derived each time
    std::ranges::copy(box_key, slot->bytes().begin());
    bytes_ += sealed->payload.size();
    if (std::uint64_t expiry = sealed->not_after_ms; expiry && (!next_expiry_ms_ || expiry < next_expiry_ms_))
        next_expiry_ms_ = expiry;
    entries_.push_front({std::move(sealed), std::move(*slot)});
    by_payload_[entries_.front().sealed->payload_id] = entries_.begin();
}

void Unsealer::erase(Entries::iterator entry) {
    bytes_ -= entry->sealed->payload.size();
    by_payload_.erase(entry->sealed->payload_id);
    entries_.erase(entry);
}

void Unsealer::drop(const Hash& payload) {
    std::lock_guard lock(mutex_);
    auto found = by_payload_.find(payload);
    if (found != by_payload_.end()) erase(found->second);
    large_.erase(payload);
}

void Unsealer::clear() {
    std::lock_guard lock(mutex_);
    by_payload_.clear();
    entries_.clear();
    large_.clear();
    bytes_ = 0;
    next_expiry_ms_ = 0;
    ++clears_;
}

void Unsealer::drop_expired(std::uint64_t now_ms) {
    std::lock_guard lock(mutex_);
    if (!next_expiry_ms_ || now_ms < next_expiry_ms_) return;
    next_expiry_ms_ = 0;
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        auto next = std::next(entry);
        const std::uint64_t expiry = entry->sealed->not_after_ms;
        if (expiry && expiry <= now_ms)
            erase(entry);
        else if (expiry && (!next_expiry_ms_ || expiry < next_expiry_ms_))
            next_expiry_ms_ = expiry;
        entry = next;
    }
}

Unsealer::Size Unsealer::size() const {
    std::lock_guard lock(mutex_);
    return {entries_.size(), bytes_, pool_.locked_bytes()};
}

}  // namespace coffer
