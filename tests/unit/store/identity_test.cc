// SPDX-License-Identifier: Apache-2.0
#include "keys/identity.h"

#include "keys/seal.h"
#include "support/catch.h"

using namespace coffer;

namespace {

Identity identity_of(std::uint8_t byte) {
    Bytes seed(32, byte);
    return Identity::from_seed(SecretBuffer::take(seed).value()).value();
}

template <class Fixed>
Fixed fixed(std::string_view hex) {
    return Fixed::parse(hex).value();
}

}  // namespace

TEST_CASE("a seed always gives the same keys, and another seed others") {
    auto one = identity_of(1), again = identity_of(1), two = identity_of(2);
    CHECK(one.recipient() == again.recipient());
    CHECK(one.id() == again.id());
    CHECK(one.recipient().signing != two.recipient().signing);
    CHECK(one.recipient().sealing != two.recipient().sealing);
    CHECK(as_text(one.watermark_key()) == as_text(again.watermark_key()));
    CHECK(as_text(one.watermark_key()) != as_text(one.seed()));
}

TEST_CASE("a seed has exactly 32 bytes") {
    for (std::size_t size : {0u, 31u, 33u, 64u}) {
        auto identity = Identity::from_seed(SecretBuffer::allocate(size).value());
        REQUIRE_FALSE(identity);
        CHECK(identity.error().code == Code::invalid);
    }
}

TEST_CASE("a signature holds for its message and its signer alone") {
    auto one = identity_of(1), two = identity_of(2);
    auto signature = one.sign(as_bytes("message"));
    CHECK(verify_signature(one.recipient().signing, as_bytes("message"), signature));
    CHECK_FALSE(verify_signature(one.recipient().signing, as_bytes("massage"), signature));
    CHECK_FALSE(verify_signature(two.recipient().signing, as_bytes("message"), signature));
    for (std::size_t i = 0; i < signature.bytes.size(); ++i) {
        auto changed = signature;
        changed.bytes[i] ^= 1;
        CHECK_FALSE(verify_signature(one.recipient().signing, as_bytes("message"), changed));
    }
}

TEST_CASE("a scope key sealed to one identity opens with that one alone") {
    auto one = identity_of(1), two = identity_of(2);
    auto pair = generate_scope_key().value();
    auto sealed = seal_scope_key(pair.private_half.view(), one.recipient().sealing).value();
    auto opened = one.unseal_scope_key(sealed);
    REQUIRE(opened);
    CHECK(opened->equals(pair.private_half.view()));
    auto refused = two.unseal_scope_key(sealed);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::tampered);
    CHECK(refused.error().rule == "grant.box");
    for (std::size_t i = 0; i < sealed.bytes.size(); i += 7) {
        auto changed = sealed;
        changed.bytes[i] ^= 1;
        CHECK_FALSE(one.unseal_scope_key(changed));
    }
}

TEST_CASE("a recipient goes to text and back") {
    auto recipient = identity_of(1).recipient();
    CHECK(recipient.text().size() == 135);
    auto parsed = Recipient::parse(recipient.text());
    REQUIRE(parsed);
    CHECK(*parsed == recipient);
    auto text = recipient.text();
    CHECK_FALSE(Recipient::parse(text.substr(0, 134)));
    CHECK_FALSE(Recipient::parse(text + "0"));
    CHECK_FALSE(Recipient::parse("coffer2" + text.substr(7)));
    CHECK_FALSE(Recipient::parse(""));
    std::string upper = text;
    upper[20] = 'A';
    CHECK_FALSE(Recipient::parse(upper));
}

TEST_CASE("a fingerprint is over both public keys") {
    auto one = identity_of(1).recipient(), two = identity_of(2).recipient();
    Recipient mixed{one.signing, two.sealing};
    CHECK(one.id() != mixed.id());
    CHECK(two.id() != mixed.id());
}

TEST_CASE("sealing keys of low order and second spellings are refused") {
    // The points of small order on the curve and its twist (RFC 7748, section 7, and Bernstein's list), and
    // the values at and over the prime, which are second spellings of 0, 1 and 9.
    const char* bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0900000000000000000000000000000000000000000000000000000000000080",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    };
    auto signing = identity_of(1).recipient().signing;
    for (auto hex : bad) {
        INFO(hex);
        auto key = fixed<SealingPublic>(hex);
        CHECK_FALSE(is_safe_public_key(key));
        auto made = Recipient::make(signing, key);
        REQUIRE_FALSE(made);
        CHECK(made.error().rule == "recipient.sealing");
    }
    CHECK(is_safe_public_key(
        fixed<SealingPublic>("0900000000000000000000000000000000000000000000000000000000000000")));
    for (std::uint8_t i = 1; i < 50; ++i) CHECK(is_safe_public_key(identity_of(i).recipient().sealing));
}

TEST_CASE("signing keys off the curve, of low order or spelled otherwise are refused") {
    const char* bad[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",  // the neutral element
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // order 2
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  // order 8
        "0200000000000000000000000000000000000000000000000000000000000000",  // no point
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // over the prime
    };
    auto sealing = identity_of(1).recipient().sealing;
    for (auto hex : bad) {
        INFO(hex);
        auto made = Recipient::make(fixed<SigningPublic>(hex), sealing);
        REQUIRE_FALSE(made);
        CHECK(made.error().rule == "recipient.signing");
    }
}
