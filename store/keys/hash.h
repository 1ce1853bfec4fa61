// SPDX-License-Identifier: Apache-2.0
//
// BLAKE2b (RFC 7693) under a context string, the one hash of the store, streaming or at once.
// The context is hashed in front of the data; every use has its own (docs/store-format.md lists them).
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace coffer {

// BLAKE2b-256(context | parts...). Thread-safe.
[[nodiscard]] Hash hash256(std::string_view context, std::initializer_list<ByteView> parts);
[[nodiscard]] std::array<std::uint8_t, 16> hash128(std::string_view context,
                                                   std::initializer_list<ByteView> parts);

// Keyed BLAKE2b-256(context | parts...), a message authentication code under a 32-byte key.
[[nodiscard]] Hash keyed_hash256(ByteView key, std::string_view context,
                                 std::initializer_list<ByteView> parts);

// SipHash-2-4 (crypto_shorthash) under a 16-byte key: 64 bits for tables that an adversary may fill.
[[nodiscard]] std::uint64_t short_hash(std::span<const std::uint8_t, 16> key, ByteView data);

// For ids and keys that must be unpredictable.
void random_bytes(std::span<std::uint8_t> out);
template <class Fixed>
[[nodiscard]] Fixed random_fixed() {
    Fixed value;
    random_bytes(value.bytes);
    return value;
}

}  // namespace coffer
