// SPDX-License-Identifier: Apache-2.0
//
// LockedPool: many small secrets of one size in locked memory, at nanoseconds each where sodium_malloc
// costs 30 us and four pages. Slabs are mapped on demand, locked, left out of core dumps and out of children
// (MADV_WIPEONFORK); a slot is wiped when it is released. Thread-safe. The pool must outlive its slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "base/result.h"

namespace coffer {

class LockedPool {
  public:
    // One slot, given back and wiped on destruction.
    class Slot {
      public:
        Slot() = default;
        ~Slot() { release(); }
        Slot(Slot&& other) noexcept;
        Slot& operator=(Slot&& other) noexcept;
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;
        [[nodiscard]] std::span<std::uint8_t> bytes() const { return {data_, data_ ? pool_->slot_size_ : 0}; }
        explicit operator bool() const { return data_ != nullptr; }

      private:
        friend class LockedPool;
        Slot(LockedPool* pool, std::uint8_t* data) : pool_(pool), data_(data) {}
        void release();
        LockedPool* pool_ = nullptr;
        std::uint8_t* data_ = nullptr;
    };

    // At most `capacity` slots of `slot_size` bytes; nothing is mapped before the first acquire().
    LockedPool(std::size_t slot_size, std::size_t capacity);
    ~LockedPool();
    LockedPool(const LockedPool&) = delete;
    LockedPool& operator=(const LockedPool&) = delete;

    // Code::limit when all slots are taken or no more memory can be locked.
    [[nodiscard]] Result<Slot> acquire();
    [[nodiscard]] std::size_t in_use() const;
    [[nodiscard]] std::size_t locked_bytes() const;

  private:
    [[nodiscard]] Result<void> grow();  // under mutex_

    const std::size_t slot_size_, capacity_;
    mutable std::mutex mutex_;
    std::vector<std::span<std::uint8_t>> slabs_;  // guarded by mutex_
    std::vector<std::uint8_t*> free_;             // guarded by mutex_
    std::size_t slots_ = 0;                       // guarded by mutex_
};

}  // namespace coffer
