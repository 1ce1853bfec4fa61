// SPDX-License-Identifier: Apache-2.0
//
// SecretBuffer: the only type that holds secret bytes. Its memory comes from sodium_malloc: locked into RAM,
// left out of core dumps, between guard pages, wiped when released. It moves and never copies; it has no
// stream operator and no conversion to a string (tests/compile_fail proves each). Bytes cross an API as a
// SecretBuffer or as a span for the length of the call. One owner at a time; not synchronised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace coffer {

// Must be called once before anything else of the library; false: the random generator is unusable.
[[nodiscard]] bool initialise_crypto();

class SecretBuffer {
  public:
    SecretBuffer() = default;  // empty, owns nothing
    ~SecretBuffer();
    SecretBuffer(SecretBuffer&& other) noexcept;
    SecretBuffer& operator=(SecretBuffer&& other) noexcept;
    SecretBuffer(const SecretBuffer&) = delete;
    SecretBuffer& operator=(const SecretBuffer&) = delete;

    // `size` bytes of zeros, at most 64 MiB. Code::limit when the memory cannot be locked (RLIMIT_MEMLOCK).
    // Costs about 30 us and at least four pages: for long-lived or large secrets, not per request.
    [[nodiscard]] static Result<SecretBuffer> allocate(std::size_t size);
    // Copies `source` and wipes it.
    [[nodiscard]] static Result<SecretBuffer> take(std::span<std::uint8_t> source);
    [[nodiscard]] static Result<SecretBuffer> random(std::size_t size);

    [[nodiscard]] std::span<std::uint8_t> writable() { return {data_, size_}; }
    [[nodiscard]] ByteView view() const { return {data_, size_}; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    // Keeps the first `size` bytes and wipes the rest; a larger `size` is ignored.
    void shrink(std::size_t size);
    // Constant time for equal sizes.
    [[nodiscard]] bool equals(ByteView other) const;

    friend std::ostream& operator<<(std::ostream&, const SecretBuffer&) = delete;

  private:
    SecretBuffer(std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

// Wipes bytes that held a secret on their way into a SecretBuffer; never optimised away.
void wipe(std::span<std::uint8_t> bytes);

}  // namespace coffer
