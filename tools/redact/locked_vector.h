// SPDX-License-Identifier: Apache-2.0
//
// LockedVector: a vector for many secret bytes at once, which grows. Its memory is mapped for it alone, left
// out of core dumps and wiped before it goes; it is locked as far as RLIMIT_MEMLOCK allows, and used all the
// same where it does not: what is derived from values may be many times their size. What holds the value
// itself is a SecretBuffer.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "keys/secret_buffer.h"

namespace coffer {

template <class T>
struct LockedAllocator {
    using value_type = T;
    LockedAllocator() = default;
    template <class Other>
    explicit LockedAllocator(const LockedAllocator<Other>& /*same*/) {}

    T* allocate(std::size_t count) {
        void* memory =
            ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) std::__throw_bad_alloc();  // as std::allocator does
        (void)::madvise(memory, count * sizeof(T), MADV_DONTDUMP);
        (void)::mlock(memory, count * sizeof(T));
        return static_cast<T*>(memory);
    }
    void deallocate(T* memory, std::size_t count) noexcept {
        wipe({reinterpret_cast<std::uint8_t*>(memory), count * sizeof(T)});
        (void)::munmap(memory, count * sizeof(T));  // takes the lock off as well
    }
    bool operator==(const LockedAllocator&) const = default;
};

template <class T>
using LockedVector = std::vector<T, LockedAllocator<T>>;

// In a forked process, which has the memory and not its locks.
template <class T>
void lock_again(const LockedVector<T>& vector) {
    (void)::mlock(vector.data(), vector.capacity() * sizeof(T));
}

}  // namespace coffer
