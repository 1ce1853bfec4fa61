// SPDX-License-Identifier: Apache-2.0
#include "keys/seal.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "keys/hash.h"
#include "keys/stack.h"
#include "names/name.h"

namespace coffer {
namespace {

constexpr std::size_t kContextSize = Hash::kSize;
constexpr std::size_t kEphemeralSize = crypto_box_PUBLICKEYBYTES;
constexpr std::size_t kBlock = 1024;
static_assert(kPayloadOverhead == kContextSize + crypto_box_SEALBYTES);
static_assert(opened_size(kPayloadOverhead) == kContextSize);

// The block in which the padding lies: whole for the small sizes, the last one for the large.
std::size_t padding_block(std::size_t padded) {
    return std::min(padded, kBlock);
}

Result<void> check_payload_size(ByteView payload) {
    if (payload.size() < kPayloadOverhead || !is_padded_size(payload.size() - kPayloadOverhead))
        return refuse(Code::tampered, "payload.length", "a payload of ", payload.size(),
                      " bytes, which no value seals to");
    return {};
}

// crypto_box_seal's own nonce. It may be fixed by the two keys, for the ephemeral one is used once.
std::array<std::uint8_t, crypto_box_NONCEBYTES> sealed_box_nonce(ByteView ephemeral,
                                                                 const SealingPublic& recipient) {
    std::array<std::uint8_t, crypto_box_NONCEBYTES> nonce;
    crypto_generichash_state state;
    crypto_generichash_init(&state, nullptr, 0, nonce.size());
    crypto_generichash_update(&state, ephemeral.data(), ephemeral.size());
    crypto_generichash_update(&state, recipient.bytes.data(), recipient.bytes.size());
    crypto_generichash_final(&state, nonce.data(), nonce.size());
    return nonce;
}

// What stands in an opened box: the context, then the padded value.
Result<std::span<std::uint8_t>> value_within(std::span<std::uint8_t> opened, const Hash& context) {
    if (sodium_memcmp(opened.data(), context.bytes.data(), kContextSize) != 0)
        return refuse(Code::tampered, "payload.context",
                      "a payload that was sealed for another secret, version or scope key");
    auto padded = opened.subspan(kContextSize);
    std::size_t size = 0;
    if (sodium_unpad(&size, padded.data(), padded.size(), padding_block(padded.size())) != 0 ||
        size > kMaxValue || padded_size(size) != padded.size())
        return refuse(Code::tampered, "payload.padding", "a payload whose padding is not canonical");
    return padded.first(size);
}

}  // namespace

std::string_view to_text(Visibility visibility) {
    switch (visibility) {
        case Visibility::masked:
            return "masked";
        case Visibility::restricted:
            return "restricted";
    }
    return "unknown";
}

Result<Visibility> parse_visibility(std::string_view text) {
    for (Visibility visibility : {Visibility::masked, Visibility::restricted}) {
        if (text == to_text(visibility)) return visibility;
    }
    return fail(Code::invalid, "expected a visibility (masked or restricted), found \"", printable(text),
                '"');
}

Result<ScopeKeyPair> generate_scope_key() {
    ScopeKeyPair pair;
    COFFER_TRY(pair.private_half, SecretBuffer::allocate(crypto_box_SECRETKEYBYTES));
    crypto_box_keypair(pair.public_half.bytes.data(), pair.private_half.writable().data());
    wipe_stack();
    return pair;
}

Result<SealedScopeKey> seal_scope_key(ByteView private_half, const SealingPublic& recipient) {
    if (private_half.size() != crypto_box_SECRETKEYBYTES)
        return fail(Code::invalid, "a scope key has 32 bytes, this one ", private_half.size());
    SealedScopeKey sealed;
    const bool good = crypto_box_seal(sealed.bytes.data(), private_half.data(), private_half.size(),
                                      recipient.bytes.data()) == 0;
    wipe_stack();
    if (!good)
        return fail(Code::invalid, "cannot seal to the public key ", recipient.hex(),
                    ", which is of low order");
    return sealed;
}

bool is_key_pair(ByteView private_half, const SealingPublic& public_half) {
    if (private_half.size() != crypto_scalarmult_SCALARBYTES) return false;
    SealingPublic found;
    const bool good = crypto_scalarmult_base(found.bytes.data(), private_half.data()) == 0;
    wipe_stack();
    return good && found == public_half;
}

Hash payload_context(const StoreId& store, const SecretName& name, Visibility visibility,
                     std::uint64_t sealed_as, const ScopeKeyId& scope_key) {
    ByteWriter out;
    out.fixed(store);
    out.lp(name.scope.org);
    out.lp(name.scope.project);
    out.lp(name.scope.domain);
    out.u8(static_cast<std::uint8_t>(visibility));
    out.lp(name.key);
    out.u64(sealed_as);
    out.fixed(scope_key);
    return hash256("coffer/secret/1", {out.bytes()});
}

std::size_t padded_size(std::size_t value_size) {
    if (value_size < 64) return 64;
    if (value_size < 256) return 256;
    return (value_size / kBlock + 1) * kBlock;
}

bool is_padded_size(std::size_t size) {
    return size == 64 || size == 256 || (size >= kBlock && size <= kMaxPadded && size % kBlock == 0);
}

Result<Bytes> seal_payload(const SealingPublic& scope_key, const Hash& context, ByteView value) {
    SecretBuffer scratch;
    return seal_payload(scope_key, context, value, scratch);
}

Result<Bytes> seal_payload(const SealingPublic& scope_key, const Hash& context, ByteView value,
                           SecretBuffer& scratch) {
    if (value.size() > kMaxValue)
        return fail(Code::invalid, "a value has at most ", kMaxValue, " bytes (1 MiB), this one has more");
    const std::size_t padded = padded_size(value.size());
    if (scratch.size() < kContextSize + padded) {
        COFFER_TRY(scratch, SecretBuffer::allocate(kContextSize + padded));
    }
    auto plain = scratch.writable().first(kContextSize + padded);
    std::memcpy(plain.data(), context.bytes.data(), kContextSize);
    // What an earlier value left behind lies within the last block, which the padding fills.
    auto body = plain.subspan(kContextSize);
    if (!value.empty()) std::memcpy(body.data(), value.data(), value.size());
    std::size_t size = 0;
    if (sodium_pad(&size, body.data(), value.size(), padding_block(padded), body.size()) != 0 ||
        size != padded)
        return fail(Code::failed, "padding a value of the store failed");
    Bytes payload(padded + kPayloadOverhead);
    const bool good =
        crypto_box_seal(payload.data(), plain.data(), plain.size(), scope_key.bytes.data()) == 0;
    wipe_stack();
    if (!good)
        return fail(Code::invalid, "cannot seal to the scope key ", scope_key.hex(),
                    ", which is of low order");
    return payload;
}

Hash payload_hash(ByteView payload) {
    return hash256({}, {payload});
}

Result<void> precompute_box_key(ByteView payload, ByteView scope_key_private,
                                std::span<std::uint8_t, 32> box_key) {
    static_assert(crypto_box_BEFORENMBYTES == 32);
    COFFER_CHECK(check_payload_size(payload));
    if (scope_key_private.size() != crypto_box_SECRETKEYBYTES)
        return fail(Code::invalid, "a scope key has 32 bytes, this one ", scope_key_private.size());
    const bool good = crypto_box_beforenm(box_key.data(), payload.data(), scope_key_private.data()) == 0;
    wipe_stack();
    if (!good) return refuse(Code::tampered, "payload.box", "a payload whose ephemeral key is of low order");
    return {};
}

Result<std::span<std::uint8_t>> open_payload(ByteView payload, std::span<const std::uint8_t, 32> box_key,
                                             const SealingPublic& scope_key, const Hash& context,
                                             std::span<std::uint8_t> scratch) {
    COFFER_CHECK(check_payload_size(payload));
    if (scratch.size() < opened_size(payload.size()))
        return fail(Code::failed, "opening a payload needs ", opened_size(payload.size()),
                    " bytes of scratch, ", scratch.size(), " were given");
    auto opened = scratch.first(opened_size(payload.size()));
    auto nonce = sealed_box_nonce(payload.first(kEphemeralSize), scope_key);
    ByteView box = payload.subspan(kEphemeralSize);
    if (crypto_box_open_easy_afternm(opened.data(), box.data(), box.size(), nonce.data(), box_key.data()) !=
        0) {
        wipe(scratch);
        return refuse(Code::tampered, "payload.box", "a payload that does not open with its scope key");
    }
    auto value = value_within(opened, context);
    if (!value) wipe(scratch);
    return value;
}

Result<SecretBuffer> unseal_payload(ByteView payload, ByteView scope_key_private,
                                    const SealingPublic& scope_key, const Hash& context) {
    COFFER_CHECK(check_payload_size(payload));
    COFFER_TRY(auto box_key, SecretBuffer::allocate(32));
    COFFER_TRY(auto scratch, SecretBuffer::allocate(opened_size(payload.size())));
    auto key = box_key.writable().first<32>();
    COFFER_CHECK(precompute_box_key(payload, scope_key_private, key));
    COFFER_TRY(auto value, open_payload(payload, key, scope_key, context, scratch.writable()));
    return SecretBuffer::take(value);
}

}  // namespace coffer
