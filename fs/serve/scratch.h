// SPDX-License-Identifier: Apache-2.0
//
// Scratch: one worker's locked memory. A value is in it from its opening until its reply is written; then
// whoever replied wipes it. One thread.
#pragma once

#include <span>

#include "keys/seal.h"

namespace coffer {

// Values up to this are opened on each READ; larger ones share a locked copy per version.
inline constexpr std::size_t kSmallValue = 16u << 10;

class Scratch {
  public:
    [[nodiscard]] static Result<Scratch> allocate() {
        Scratch out;
        COFFER_TRY(out.memory_, SecretBuffer::allocate(2 * kKey + kArea));
        return out;
    }

    [[nodiscard]] std::span<std::uint8_t, 32> box_key() { return memory_.writable().first<kKey>(); }
    [[nodiscard]] std::span<std::uint8_t, 32> scope_key() { return memory_.writable().subspan<kKey, kKey>(); }
    // Room for every payload of a value up to kSmallValue.
    [[nodiscard]] std::span<std::uint8_t> area() { return memory_.writable().subspan(2 * kKey); }
    // The first `used` bytes of area().
    void wipe_area(std::size_t used) { wipe(area().first(used)); }

  private:
    static constexpr std::size_t kKey = 32;
    static constexpr std::size_t kArea =
        kSmallValue + 1024 + 32;  // the padding and the context inside the box
    SecretBuffer memory_;
};

}  // namespace coffer
