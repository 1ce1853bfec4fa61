// SPDX-License-Identifier: Apache-2.0
#include "keys/locked_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "keys/secret_buffer.h"

namespace coffer {
namespace {

constexpr std::size_t kSlabSize = 64u << 10;
constexpr std::size_t kAlignment = 16;

std::size_t round_up(std::size_t size, std::size_t unit) {
    return (size + unit - 1) / unit * unit;
}

// Anonymous memory that is locked, in no core dump and reads as zeros in a forked child.
Result<std::span<std::uint8_t>> map_locked(std::size_t size) {
    void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
        return fail(Code::limit, "no memory for ", size, " bytes of secrets (errno ", errno, ')');
    // Advice first: not for a moment is a locked page dumpable or inherited.
    if (madvise(address, size, MADV_DONTDUMP) != 0 || madvise(address, size, MADV_WIPEONFORK) != 0) {
        int error = errno;
        munmap(address, size);
        return fail(Code::failed, "cannot keep secrets out of core dumps and child processes (errno ", error,
                    "); Linux 4.14 or newer is needed");
    }
    if (mlock(address, size) != 0) {
        munmap(address, size);
        return fail(Code::limit, "cannot lock ", size,
                    " bytes of memory for secrets; raise RLIMIT_MEMLOCK (ulimit -l, or LimitMEMLOCK= of the "
                    "systemd unit)");
    }
    return std::span(static_cast<std::uint8_t*>(address), size);
}

}  // namespace

LockedPool::Slot::Slot(Slot&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), data_(std::exchange(other.data_, nullptr)) {}

LockedPool::Slot& LockedPool::Slot::operator=(Slot&& other) noexcept {
    Slot moved(std::move(other));
    std::swap(pool_, moved.pool_);
    std::swap(data_, moved.data_);
    return *this;
}

void LockedPool::Slot::release() {
    if (!data_) return;
    wipe(bytes());  // outside the lock: it may be long
    std::lock_guard lock(pool_->mutex_);
    pool_->free_.push_back(data_);  // never allocates: grow() reserved room for every slot
    data_ = nullptr;
}

LockedPool::LockedPool(std::size_t slot_size, std::size_t capacity)
    : slot_size_(slot_size), capacity_(capacity) {}

LockedPool::~LockedPool() {
    for (auto slab : slabs_) {
        wipe(slab);
        munmap(slab.data(), slab.size());
    }
}

Result<LockedPool::Slot> LockedPool::acquire() {
    std::lock_guard lock(mutex_);
    if (free_.empty()) COFFER_CHECK(grow());
    std::uint8_t* data = free_.back();
    free_.pop_back();
    return Slot(this, data);
}

std::size_t LockedPool::in_use() const {
    std::lock_guard lock(mutex_);
    return slots_ - free_.size();
}

std::size_t LockedPool::locked_bytes() const {
    std::lock_guard lock(mutex_);
    std::size_t sum = 0;
    for (auto slab : slabs_) sum += slab.size();
    return sum;
}

Result<void> LockedPool::grow() {
    if (slots_ == capacity_)
        return fail(Code::limit, "all ", capacity_, " slots of ", slot_size_,
                    " bytes for secrets are in use");
    const std::size_t stride = round_up(std::max<std::size_t>(slot_size_, 1), kAlignment);
    const std::size_t count = std::min(std::max<std::size_t>(kSlabSize / stride, 1), capacity_ - slots_);
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    free_.reserve(slots_ + count);
    slabs_.reserve(slabs_.size() + 1);
    COFFER_TRY(auto slab, map_locked(round_up(count * stride, page)));
    slabs_.push_back(slab);
    slots_ += count;
    for (std::size_t i = count; i > 0; --i) free_.push_back(slab.data() + (i - 1) * stride);
    return {};
}

}  // namespace coffer
