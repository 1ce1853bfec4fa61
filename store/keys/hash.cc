// SPDX-License-Identifier: Apache-2.0
#include "keys/hash.h"

#include <sodium.h>

namespace coffer {
namespace {

// The parts are hashed one after the other as they are: a caller whose parts vary in length prefixes them.
void blake2b(ByteView key, std::string_view context, std::initializer_list<ByteView> parts,
             std::span<std::uint8_t> out) {
    crypto_generichash_state state;
    crypto_generichash_init(&state, key.empty() ? nullptr : key.data(), key.size(), out.size());
    ByteView context_bytes = as_bytes(context);
    crypto_generichash_update(&state, context_bytes.data(), context_bytes.size());
    for (ByteView part : parts) crypto_generichash_update(&state, part.data(), part.size());
    crypto_generichash_final(&state, out.data(), out.size());
    if (!key.empty()) sodium_memzero(&state, sizeof state);
}

}  // namespace

Hash hash256(std::string_view context, std::initializer_list<ByteView> parts) {
    Hash out;
    blake2b({}, context, parts, out.bytes);
    return out;
}

std::array<std::uint8_t, 16> hash128(std::string_view context, std::initializer_list<ByteView> parts) {
    std::array<std::uint8_t, 16> out;
    blake2b({}, context, parts, out);
    return out;
}

Hash keyed_hash256(ByteView key, std::string_view context, std::initializer_list<ByteView> parts) {
    Hash out;
    blake2b(key, context, parts, out.bytes);
    return out;
}

std::uint64_t short_hash(std::span<const std::uint8_t, 16> key, ByteView data) {
    static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8);
    std::uint8_t out[8];
    crypto_shorthash(out, data.data(), data.size(), key.data());
    return ByteReader(out).u64();
}

void random_bytes(std::span<std::uint8_t> out) {
    if (!out.empty()) randombytes_buf(out.data(), out.size());
}

}  // namespace coffer
