// SPDX-License-Identifier: Apache-2.0
#include "serve/handles.h"

#include <algorithm>
#include <cerrno>
#include <mutex>

namespace coffer {

std::uint64_t HandleBits::pack() const {
    return std::uint64_t{generation} << 48 | std::uint64_t{slot & kMaxSlot} << 28 |
           std::uint64_t{std::min(version, kSaturated)} << 3 | std::uint64_t{level & 3u} << 1 |
           std::uint64_t{inherit};
}

HandleBits HandleBits::unpack(std::uint64_t bits) {
    HandleBits out;
    out.generation = static_cast<std::uint16_t>(bits >> 48);
    out.slot = static_cast<std::uint32_t>(bits >> 28) & kMaxSlot;
    out.version = static_cast<std::uint32_t>(bits >> 3) & kSaturated;
    out.level = static_cast<std::uint8_t>(bits >> 1 & 3);
    out.inherit = bits & 1;
    return out;
}

std::uint64_t Handles::handle_of(const OpenFile& file, std::uint32_t slot) const {
    HandleBits bits;
    bits.generation = generation_;
    bits.slot = slot;
    bits.version = static_cast<std::uint32_t>(std::min<std::uint64_t>(file.version, HandleBits::kSaturated));
    bits.level = file.level;
    bits.inherit = file.inherit;
    return bits.pack();
}

// A slot is used again, and what was open there before is not what is open there now.
bool Handles::is_at(std::uint32_t slot, std::uint64_t handle) const {
    return slot < slots_.size() && slots_[slot] && handle_of(*slots_[slot], slot) == handle;
}

Answer<std::uint64_t> Handles::add(std::shared_ptr<const OpenFile> file) {
    std::unique_lock lock(mutex_);
    if (auto good = take_share(*file); !good) return tl::make_unexpected(good.error());
    auto slot = static_cast<std::uint32_t>(slots_.size());
    if (!free_.empty()) {
        slot = free_.back();
        free_.pop_back();
    } else {
        slots_.emplace_back();
    }
    slots_[slot] = std::move(file);
    return handle_of(*slots_[slot], slot);
}

Answer<> Handles::adopt(std::uint64_t handle, std::shared_ptr<const OpenFile> file) {
    std::unique_lock lock(mutex_);
    if (adopted_.contains(handle)) return {};
    if (auto good = take_share(*file); !good) return good;
    adopted_.emplace(handle, std::move(file));
    return {};
}

std::shared_ptr<const OpenFile> Handles::find(std::uint64_t handle) const {
    const HandleBits bits = HandleBits::unpack(handle);
    std::shared_lock lock(mutex_);
    if (bits.generation != generation_) {
        auto found = adopted_.find(handle);
        return found == adopted_.end() ? nullptr : found->second;
    }
    return is_at(bits.slot, handle) ? slots_[bits.slot] : nullptr;
}

void Handles::release(std::uint64_t handle) {
    const HandleBits bits = HandleBits::unpack(handle);
    std::shared_ptr<const OpenFile> file;  // destroyed after the lock: wiping a large copy takes its time
    std::unique_lock lock(mutex_);
    if (bits.generation != generation_) {
        auto found = adopted_.find(handle);
        if (found == adopted_.end()) return;
        file = std::move(found->second);
        adopted_.erase(found);
        give_back(*file);
        lock.unlock();
        return;
    }
    if (!is_at(bits.slot, handle)) return;
    file = std::move(slots_[bits.slot]);
    free_.push_back(bits.slot);
    give_back(*file);
    lock.unlock();
}

Answer<> Handles::take_share(const OpenFile& file) {
    const auto found = uses_.find(file.uid);
    Use use = found == uses_.end() ? Use{} : found->second;
    use.handles += 1;
    if (file.large) use.large_bytes += file.large->memory.size();
    if (use.handles > limits_.per_uid || use.large_bytes > limits_.large_bytes_per_uid)
        return answer_errno(EMFILE);
    if (held() >= std::min(limits_.total, HandleBits::kMaxSlot)) return answer_errno(ENFILE);
    uses_[file.uid] = use;
    return {};
}

void Handles::give_back(const OpenFile& file) {
    auto use = uses_.find(file.uid);
    use->second.handles -= 1;
    if (file.large) use->second.large_bytes -= file.large->memory.size();
    if (use->second.handles == 0) uses_.erase(use);
}

bool Handles::charge_large(const OpenFile& file, std::uint64_t bytes) {
    std::unique_lock lock(mutex_);
    Use& use = uses_[file.uid];
    if (use.large_bytes + bytes > limits_.large_bytes_per_uid) return false;
    use.large_bytes += bytes;
    return true;
}

std::size_t Handles::open() const {
    std::shared_lock lock(mutex_);
    return held();
}

}  // namespace coffer
