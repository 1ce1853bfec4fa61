// SPDX-License-Identifier: Apache-2.0
#include "keys/identity.h"

#include <sodium.h>

#include "keys/hash.h"
#include "keys/stack.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr char kKdfContext[] = "cofferid";
static_assert(sizeof kKdfContext == crypto_kdf_CONTEXTBYTES + 1);
static_assert(crypto_kdf_KEYBYTES == kSeedSize && crypto_sign_SEEDBYTES == kSeedSize &&
              crypto_box_SEEDBYTES == kSeedSize);
constexpr std::string_view kRecipientPrefix = "coffer1";

enum Subkey : std::uint64_t { kSigningSeed = 1, kSealingSeed = 2, kWatermarkKey = 3 };

Result<SecretBuffer> derive(ByteView seed, Subkey number) {
    COFFER_TRY(auto out, SecretBuffer::allocate(32));
    crypto_kdf_derive_from_key(out.writable().data(), out.size(), number, kKdfContext, seed.data());
    wipe_stack();
    return out;
}

// Below 2^255 - 19 and without the 256th bit, which X25519 ignores: else one key has several spellings, and
// "this key was in the store before" could be evaded.
bool is_canonical(const SealingPublic& key) {
    std::array<std::uint8_t, 32> prime;
    prime.fill(0xff);
    prime[0] = 0xed;
    prime[31] = 0x7f;
    for (std::size_t i = 32; i-- > 0;) {
        if (key.bytes[i] != prime[i]) return key.bytes[i] < prime[i];
    }
    return false;
}

}  // namespace

Result<Recipient> Recipient::make(const SigningPublic& signing, const SealingPublic& sealing) {
    if (crypto_core_ed25519_is_valid_point(signing.bytes.data()) != 1)
        return refuse(Code::invalid, "recipient.signing", "the signing key ", signing.hex(),
                      " is no canonical Ed25519 point of prime order");
    if (!is_safe_public_key(sealing))
        return refuse(Code::invalid, "recipient.sealing", "the sealing key ", sealing.hex(),
                      " is of low order or not canonical");
    return Recipient{signing, sealing};
}

Result<Recipient> Recipient::parse(std::string_view text) {
    Recipient found;
    bool good = text.size() == kRecipientPrefix.size() + 128 && text.starts_with(kRecipientPrefix);
    if (good) {
        text.remove_prefix(kRecipientPrefix.size());
        good = from_hex(text.substr(0, 64), found.signing.bytes) &&
               from_hex(text.substr(64), found.sealing.bytes);
    }
    if (!good)
        return fail(Code::invalid,
                    "expected a recipient, \"coffer1\" and 128 lower-case hexadecimal digits, found \"",
                    printable(text), '"');
    return make(found.signing, found.sealing);
}

std::string Recipient::text() const {
    return concat(kRecipientPrefix, signing.hex(), sealing.hex());
}

PrincipalId Recipient::id() const {
    return PrincipalId::from(hash128("coffer/principal/1", {signing.view(), sealing.view()}));
}

Result<Identity> Identity::generate() {
    COFFER_TRY(auto seed, SecretBuffer::random(kSeedSize));
    return from_seed(std::move(seed));
}

Result<Identity> Identity::from_seed(SecretBuffer seed) {
    if (seed.size() != kSeedSize)
        return fail(Code::invalid, "an identity's seed has ", kSeedSize, " bytes, this one ", seed.size());
    Identity identity;
    COFFER_TRY(auto signing_seed, derive(seed.view(), kSigningSeed));
    COFFER_TRY(auto sealing_seed, derive(seed.view(), kSealingSeed));
    COFFER_TRY(identity.watermark_key_, derive(seed.view(), kWatermarkKey));
    COFFER_TRY(identity.signing_key_, SecretBuffer::allocate(crypto_sign_SECRETKEYBYTES));
    COFFER_TRY(identity.sealing_key_, SecretBuffer::allocate(crypto_box_SECRETKEYBYTES));
    Recipient& recipient = identity.recipient_;
    crypto_sign_seed_keypair(recipient.signing.bytes.data(), identity.signing_key_.writable().data(),
                             signing_seed.view().data());
    crypto_box_seed_keypair(recipient.sealing.bytes.data(), identity.sealing_key_.writable().data(),
                            sealing_seed.view().data());
    wipe_stack();
    identity.seed_ = std::move(seed);
    return identity;
}

Signature Identity::sign(ByteView message) const {
    Signature signature;
    crypto_sign_detached(signature.bytes.data(), nullptr, message.data(), message.size(),
                         signing_key_.view().data());
    wipe_stack();
    return signature;
}

Result<SecretBuffer> Identity::unseal_scope_key(const SealedScopeKey& sealed) const {
    static_assert(SealedScopeKey::kSize == crypto_box_SECRETKEYBYTES + crypto_box_SEALBYTES);
    COFFER_TRY(auto key, SecretBuffer::allocate(crypto_box_SECRETKEYBYTES));
    const bool opened =
        crypto_box_seal_open(key.writable().data(), sealed.bytes.data(), sealed.bytes.size(),
                             recipient_.sealing.bytes.data(), sealing_key_.view().data()) == 0;
    wipe_stack();
    if (!opened)
        return refuse(Code::tampered, "grant.box", "a sealed scope key does not open with the identity ",
                      id().hex());
    return key;
}

bool is_safe_public_key(const SealingPublic& key) {
    if (!is_canonical(key)) return false;
    // libsodium refuses a product with a point of low order, whatever the scalar.
    static constexpr std::uint8_t kScalar[crypto_scalarmult_SCALARBYTES] = {8};
    std::uint8_t product[crypto_scalarmult_BYTES];
    return crypto_scalarmult(product, kScalar, key.bytes.data()) == 0;
}

bool verify_signature(const SigningPublic& signer, ByteView message, const Signature& signature) {
    return crypto_sign_verify_detached(signature.bytes.data(), message.data(), message.size(),
                                       signer.bytes.data()) == 0;
}

}  // namespace coffer
