// SPDX-License-Identifier: Apache-2.0
#include "keys/seal.h"

#include <algorithm>

#include "keys/hash.h"
#include "support/catch.h"

using namespace coffer;

namespace {

struct Sealing {
    StoreId store = random_fixed<StoreId>();
    SecretName name = SecretName::parse("acme/checkout/production/DB_PASSWORD").value();
    ScopeKeyId id = random_fixed<ScopeKeyId>();
    ScopeKeyPair pair = generate_scope_key().value();

    [[nodiscard]] Hash context() const { return payload_context(store, name, Visibility::masked, 1, id); }
    [[nodiscard]] Bytes seal(ByteView value) const {
        return seal_payload(pair.public_half, context(), value).value();
    }
    [[nodiscard]] Result<SecretBuffer> unseal(ByteView payload, const Hash& with) const {
        return unseal_payload(payload, pair.private_half.view(), pair.public_half, with);
    }
    [[nodiscard]] Result<SecretBuffer> unseal(ByteView payload) const { return unseal(payload, context()); }
};

Bytes bytes_of(std::size_t size) {
    Bytes out(size);
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 7 + 1);
    return out;
}

}  // namespace

TEST_CASE("values of every awkward size are sealed and unsealed") {
    Sealing sealing;
    for (std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{65}, std::size_t{255},
          std::size_t{256}, std::size_t{1023}, std::size_t{1024}, std::size_t{1025}, std::size_t{2047},
          std::size_t{2048}, std::size_t{100'000}, kMaxValue - 1, kMaxValue}) {
        INFO(size);
        Bytes value = bytes_of(size);
        Bytes payload = sealing.seal(value);
        CHECK(payload.size() == padded_size(size) + kPayloadOverhead);
        CHECK(payload.size() <= kMaxPayload);
        auto opened = sealing.unseal(payload);
        REQUIRE(opened);
        CHECK(opened->equals(value));
    }
}

TEST_CASE("values with zero bytes and with the padding's own bytes survive") {
    Sealing sealing;
    for (const Bytes& value :
         {Bytes(10, 0x00), Bytes(10, 0x80), Bytes{0x80, 0x00, 0x00}, Bytes{0x00, 0x80}}) {
        auto opened = sealing.unseal(sealing.seal(value));
        REQUIRE(opened);
        CHECK(opened->equals(value));
    }
}

TEST_CASE("a value over 1 MiB is refused") {
    Sealing sealing;
    auto payload = seal_payload(sealing.pair.public_half, sealing.context(), bytes_of(kMaxValue + 1));
    REQUIRE_FALSE(payload);
    CHECK(payload.error().code == Code::invalid);
}

TEST_CASE("the padded size is the smallest step greater than the value") {
    const std::pair<std::size_t, std::size_t> sizes[] = {{0, 64},
                                                         {63, 64},
                                                         {64, 256},
                                                         {255, 256},
                                                         {256, 1024},
                                                         {1023, 1024},
                                                         {1024, 2048},
                                                         {2047, 2048},
                                                         {2048, 3072},
                                                         {5000, 5120},
                                                         {kMaxValue, kMaxPadded}};
    for (auto [value, padded] : sizes) {
        INFO(value);
        CHECK(padded_size(value) == padded);
        CHECK(is_padded_size(padded));
    }
    for (std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{63}, std::size_t{65}, std::size_t{128},
          std::size_t{512}, std::size_t{1025}, std::size_t{1536}, kMaxPadded + 1024}) {
        INFO(size);
        CHECK_FALSE(is_padded_size(size));
    }
}

TEST_CASE("values of one padded size cannot be told apart by their payload's size") {
    Sealing sealing;
    CHECK(sealing.seal(bytes_of(1)).size() == sealing.seal(bytes_of(63)).size());
    CHECK(sealing.seal(bytes_of(8)) != sealing.seal(bytes_of(8)));
}

TEST_CASE("unseal refuses a payload moved to another path, store, version, visibility or scope key") {
    Sealing sealing;
    Bytes payload = sealing.seal(as_bytes("hunter2"));
    auto name = [](std::string_view text) { return SecretName::parse(text).value(); };
    const Hash elsewhere[] = {
        payload_context(random_fixed<StoreId>(), sealing.name, Visibility::masked, 1, sealing.id),
        payload_context(sealing.store, name("acme/checkout/production/OTHER"), Visibility::masked, 1,
                        sealing.id),
        payload_context(sealing.store, name("acme/checkout/*/DB_PASSWORD"), Visibility::masked, 1,
                        sealing.id),
        payload_context(sealing.store, name("acme/checkout/staging/DB_PASSWORD"), Visibility::masked, 1,
                        sealing.id),
        payload_context(sealing.store, sealing.name, Visibility::restricted, 1, sealing.id),
        payload_context(sealing.store, sealing.name, Visibility::masked, 2, sealing.id),
        payload_context(sealing.store, sealing.name, Visibility::masked, 1, random_fixed<ScopeKeyId>()),
    };
    for (const Hash& context : elsewhere) {
        auto opened = sealing.unseal(payload, context);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Code::tampered);
        CHECK(opened.error().rule == "payload.context");
    }
}

TEST_CASE("segments cannot slide into each other in a payload's context") {
    Sealing sealing;
    auto context = [&](Scope scope, std::string key) {
        return payload_context(sealing.store, SecretName{std::move(scope), std::move(key)},
                               Visibility::masked, 1, sealing.id);
    };
    CHECK(context(Scope{"a", "bc", "d"}, "K") != context(Scope{"ab", "c", "d"}, "K"));
    CHECK(context(Scope{"a", "b", ""}, "K") != context(Scope{"a", "", "b"}, "K"));
}

TEST_CASE("unseal refuses another key and every changed byte") {
    Sealing sealing;
    Bytes payload = sealing.seal(as_bytes("hunter2"));
    auto other = generate_scope_key().value();
    auto refused = unseal_payload(payload, other.private_half.view(), other.public_half, sealing.context());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().rule == "payload.box");
    for (std::size_t i = 0; i < payload.size(); ++i) {
        if (i == 31) continue;  // below
        Bytes changed = payload;
        changed[i] ^= 1;
        auto opened = sealing.unseal(changed);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().rule == "payload.box");
    }
    // X25519 ignores the top bit of a public key, but the nonce does not.
    Bytes changed = payload;
    changed[31] ^= 0x80;
    CHECK_FALSE(sealing.unseal(changed));
}

TEST_CASE("unseal refuses payloads of lengths that no value has") {
    Sealing sealing;
    Bytes payload = sealing.seal(bytes_of(100));
    for (std::size_t size = 0; size < payload.size(); size += 11) {
        auto opened = sealing.unseal(ByteView(payload).first(size));
        REQUIRE_FALSE(opened);
        CHECK(opened.error().code == Code::tampered);
    }
    payload.push_back(0);
    CHECK(sealing.unseal(payload).error().rule == "payload.length");
    CHECK(sealing.unseal(Bytes(kPayloadOverhead + kMaxPadded + 1024)).error().rule == "payload.length");
}

TEST_CASE("unseal refuses an ephemeral key of low order") {
    Sealing sealing;
    Bytes payload = sealing.seal(as_bytes("hunter2"));
    std::fill_n(payload.begin(), 32, std::uint8_t{0});
    CHECK(sealing.unseal(payload).error().rule == "payload.box");
}

TEST_CASE("sealing to a key of low order is refused") {
    Sealing sealing;
    CHECK_FALSE(seal_payload(SealingPublic{}, sealing.context(), as_bytes("x")));
    CHECK_FALSE(seal_scope_key(sealing.pair.private_half.view(), SealingPublic{}));
}

TEST_CASE("a precomputed box key opens its payload any number of times") {
    Sealing sealing;
    Bytes payload = sealing.seal(as_bytes("hunter2"));
    std::array<std::uint8_t, 32> box_key;
    REQUIRE(precompute_box_key(payload, sealing.pair.private_half.view(), box_key));
    auto scratch = SecretBuffer::allocate(opened_size(payload.size())).value();
    for (int i = 0; i < 3; ++i) {
        auto value =
            open_payload(payload, box_key, sealing.pair.public_half, sealing.context(), scratch.writable());
        REQUIRE(value);
        CHECK(as_text(*value) == "hunter2");
    }
}

TEST_CASE("a refused opening leaves nothing in the scratch memory") {
    Sealing sealing;
    Bytes payload = sealing.seal(as_bytes("hunter2"));
    std::array<std::uint8_t, 32> box_key;
    REQUIRE(precompute_box_key(payload, sealing.pair.private_half.view(), box_key));
    Bytes scratch(opened_size(payload.size()) + 10, 0xcc);
    CHECK_FALSE(open_payload(payload, box_key, sealing.pair.public_half, random_fixed<Hash>(), scratch));
    CHECK(scratch == Bytes(scratch.size(), 0));
    payload[100] ^= 1;
    std::fill(scratch.begin(), scratch.end(), std::uint8_t{0xcc});
    CHECK_FALSE(open_payload(payload, box_key, sealing.pair.public_half, sealing.context(), scratch));
    CHECK(scratch == Bytes(scratch.size(), 0));
}

TEST_CASE("scratch memory that is too small is refused") {
    Sealing sealing;
    Bytes payload = sealing.seal(as_bytes("hunter2"));
    std::array<std::uint8_t, 32> box_key{};
    Bytes scratch(opened_size(payload.size()) - 1);
    CHECK_FALSE(open_payload(payload, box_key, sealing.pair.public_half, sealing.context(), scratch));
}

TEST_CASE("a scope key's halves are known to belong together") {
    auto one = generate_scope_key().value(), two = generate_scope_key().value();
    CHECK(is_key_pair(one.private_half.view(), one.public_half));
    CHECK_FALSE(is_key_pair(one.private_half.view(), two.public_half));
    CHECK_FALSE(is_key_pair(one.private_half.view().first(31), one.public_half));
    CHECK_FALSE(is_key_pair({}, one.public_half));
}

TEST_CASE("visibilities go to text and back") {
    for (auto visibility : {Visibility::masked, Visibility::restricted})
        CHECK(parse_visibility(to_text(visibility)).value() == visibility);
    CHECK_FALSE(parse_visibility("Masked"));
    CHECK_FALSE(parse_visibility(""));
}
