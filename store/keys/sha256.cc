// SPDX-License-Identifier: Apache-2.0
#include "keys/sha256.h"

#include <sodium.h>

#include <new>

namespace coffer {
namespace {

crypto_hash_sha256_state* in(std::array<std::byte, 128>& state) {
    static_assert(sizeof(crypto_hash_sha256_state) <= 128 && alignof(crypto_hash_sha256_state) <= 16);
    return std::launder(reinterpret_cast<crypto_hash_sha256_state*>(state.data()));
}

}  // namespace

Sha256::Sha256() : state_{} {
    crypto_hash_sha256_init(new (state_.data()) crypto_hash_sha256_state);
}

void Sha256::add(ByteView data) {
    crypto_hash_sha256_update(in(state_), data.data(), data.size());
}

Hash Sha256::finish() {
    Hash hash;
    static_assert(Hash::kSize == crypto_hash_sha256_BYTES);
    crypto_hash_sha256_final(in(state_), hash.bytes.data());
    return hash;
}

}  // namespace coffer
