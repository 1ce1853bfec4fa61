// SPDX-License-Identifier: Apache-2.0
//
// SecretChunks: many secret bytes in locked memory, appended piece by piece and never moved, so that growing
// takes neither a copy nor twice the memory. All of it is wiped with the object. One owner at a time.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "keys/secret_buffer.h"

namespace coffer {

class SecretChunks {
  public:
    // `size` bytes behind what is there, in one piece, which stays where it is.
    [[nodiscard]] Result<std::span<std::uint8_t>> room(std::size_t size);
    // Appends. The first failure makes every later one do nothing; check() tells it.
    void put(ByteView bytes);
    void put(std::string_view text) { put(as_bytes(text)); }
    [[nodiscard]] Result<void> check() const { return state_; }

    // Everything, in order.
    [[nodiscard]] std::vector<ByteView> parts() const;

  private:
    struct Chunk {
        SecretBuffer bytes;
        std::size_t used = 0;
    };
    std::vector<Chunk> chunks_;
    Result<void> state_;
};

}  // namespace coffer
