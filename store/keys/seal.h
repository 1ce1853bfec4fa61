// SPDX-License-Identifier: Apache-2.0
//
// Sealing of values and of scope keys: docs/store-format.md, "Payload".
//   payload = crypto_box_seal(context | padded value, scope key)
// crypto_box_seal is an ephemeral X25519 key, then crypto_box_easy under a nonce that both keys determine, so
// the public-key step can be done once per payload (BoxKey, 30 us) and every later opening is symmetric
// (below 1 us for 64 bytes). All functions are thread-safe.
#pragma once

#include <span>

#include "base/bytes.h"
#include "base/result.h"
#include "keys/identity.h"
#include "keys/secret_buffer.h"
#include "names/scope.h"

namespace coffer {

enum class Visibility : std::uint8_t { masked = 1, restricted = 2 };
[[nodiscard]] std::string_view to_text(Visibility visibility);
[[nodiscard]] Result<Visibility> parse_visibility(std::string_view text);

inline constexpr std::size_t kMaxValue = 1u << 20;   // 1 MiB
inline constexpr std::size_t kPayloadOverhead = 80;  // context 32 + ephemeral key 32 + tag 16
inline constexpr std::size_t kMaxPadded = kMaxValue + 1024;
inline constexpr std::size_t kMaxPayload = kMaxPadded + kPayloadOverhead;

struct ScopeKeyPair {
    SealingPublic public_half;
    SecretBuffer private_half;  // 32
};
[[nodiscard]] Result<ScopeKeyPair> generate_scope_key();
[[nodiscard]] Result<SealedScopeKey> seal_scope_key(ByteView private_half, const SealingPublic& recipient);
// Does this private half belong to that public half?
[[nodiscard]] bool is_key_pair(ByteView private_half, const SealingPublic& public_half);

// What binds a payload to one place: inside the box, compared after opening.
[[nodiscard]] Hash payload_context(const StoreId& store, const SecretName& name, Visibility visibility,
                                   std::uint64_t sealed_as, const ScopeKeyId& scope_key);

// The smallest of 64, 256, 1024, then multiples of 1024, that is greater than `value_size`.
[[nodiscard]] std::size_t padded_size(std::size_t value_size);
// Whether a padded length is one that padded_size can give.
[[nodiscard]] bool is_padded_size(std::size_t size);

// Code::invalid when the value is over kMaxValue. No private key is needed to seal.
[[nodiscard]] Result<Bytes> seal_payload(const SealingPublic& scope_key, const Hash& context, ByteView value);
// The same for many values in a row: `scratch` grows to the largest and saves each the cost of locked memory.
[[nodiscard]] Result<Bytes> seal_payload(const SealingPublic& scope_key, const Hash& context, ByteView value,
                                         SecretBuffer& scratch);
[[nodiscard]] Hash payload_hash(ByteView payload);  // BLAKE2b-256, no context: the id of a payload

// The public-key step: 32 bytes into `box_key`.
[[nodiscard]] Result<void> precompute_box_key(ByteView payload, ByteView scope_key_private,
                                              std::span<std::uint8_t, 32> box_key);
// Bytes of scratch that open_payload needs.
[[nodiscard]] constexpr std::size_t opened_size(std::size_t payload_size) {
    return payload_size - 48;
}
// Opens into `scratch` (at least opened_size) and returns the value's place within it. Code::tampered when
// the box does not open, the context differs or the padding is not canonical; `scratch` is then wiped.
[[nodiscard]] Result<std::span<std::uint8_t>> open_payload(ByteView payload,
                                                           std::span<const std::uint8_t, 32> box_key,
                                                           const SealingPublic& scope_key,
                                                           const Hash& context,
                                                           std::span<std::uint8_t> scratch);
// Both steps, into memory of its own.
[[nodiscard]] Result<SecretBuffer> unseal_payload(ByteView payload, ByteView scope_key_private,
                                                  const SealingPublic& scope_key, const Hash& context);

}  // namespace coffer
