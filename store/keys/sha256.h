// SPDX-License-Identifier: Apache-2.0
//
// Sha256: SHA-256 (FIPS 180-4) of a stream, for what others publish hashes of. The store's own hash is
// BLAKE2b (keys/hash.h). One thread at a time.
#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.h"

namespace coffer {

class Sha256 {
  public:
    Sha256();
    void add(ByteView data);
    [[nodiscard]] Hash finish();  // once

  private:
    alignas(16) std::array<std::byte, 128> state_;  // crypto_hash_sha256_state
};

}  // namespace coffer
