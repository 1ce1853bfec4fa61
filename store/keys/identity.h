// SPDX-License-Identifier: Apache-2.0
//
// A principal's private half (Identity) and public half (Recipient). One 32-byte seed gives, by crypto_kdf
// under the context "cofferid", the seeds of an Ed25519 pair (1) and an X25519 pair (2) and the key that
// authenticates a watermark (3). docs/store-format.md, "Identities".
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "keys/secret_buffer.h"

namespace coffer {

struct Recipient {
    SigningPublic signing;
    SealingPublic sealing;

    // Refuses low-order and non-canonical points, with which anybody could open a box or sign.
    [[nodiscard]] static Result<Recipient> make(const SigningPublic& signing, const SealingPublic& sealing);
    // "coffer1" then 128 hexadecimal digits: how a recipient is handed from one person to another.
    [[nodiscard]] static Result<Recipient> parse(std::string_view text);
    [[nodiscard]] std::string text() const;
    // BLAKE2b-128("coffer/principal/1" | signing | sealing); shown as the fingerprint.
    [[nodiscard]] PrincipalId id() const;
    // NOLINTNEXTLINE(modernize-use-nullptr): the generated comparison with 0 is no pointer (clang-tidy 14)
    auto operator<=>(const Recipient&) const = default;
};

inline constexpr std::size_t kSeedSize = 32;  // bytes

// Immutable after creation; every const member is thread-safe.
class Identity {
  public:
    [[nodiscard]] static Result<Identity> generate();
    [[nodiscard]] static Result<Identity> from_seed(SecretBuffer seed);  // kSeedSize bytes

    [[nodiscard]] const Recipient& recipient() const { return recipient_; }
    [[nodiscard]] PrincipalId id() const { return recipient_.id(); }
    [[nodiscard]] ByteView seed() const { return seed_.view(); }

    // Ed25519 over `message`, 15 to 19 us.
    [[nodiscard]] Signature sign(ByteView message) const;
    // Opens what seal_scope_key sealed to recipient(); Code::tampered when it does not open.
    [[nodiscard]] Result<SecretBuffer> unseal_scope_key(const SealedScopeKey& sealed) const;
    // 32 bytes for keyed_hash256.
    [[nodiscard]] ByteView watermark_key() const { return watermark_key_.view(); }

  private:
    Identity() = default;
    Recipient recipient_;
    SecretBuffer seed_;           // kSeedSize
    SecretBuffer signing_key_;    // 64, libsodium's Ed25519 secret key
    SecretBuffer sealing_key_;    // 32
    SecretBuffer watermark_key_;  // 32
};

// Not of low order: a box sealed to it can be opened by its holder alone. Thread-safe.
[[nodiscard]] bool is_safe_public_key(const SealingPublic& key);

// 41 to 54 us. Thread-safe.
[[nodiscard]] bool verify_signature(const SigningPublic& signer, ByteView message,
                                    const Signature& signature);

}  // namespace coffer
