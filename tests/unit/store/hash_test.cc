// SPDX-License-Identifier: Apache-2.0
#include "keys/hash.h"

#include "support/catch.h"

using namespace coffer;

// The expected values come from another implementation: Python's hashlib.blake2b.
TEST_CASE("BLAKE2b gives the known values") {
    CHECK(hash256("", {as_bytes("abc")}).hex() ==
          "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    CHECK(hash256("", {}).hex() == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    CHECK(to_hex(hash128("coffer/principal/1", {as_bytes("abc")})) == "6ddb6a4ed45f0d2494f5c40ccc00d6ce");
    Bytes key(32, 0x01);
    CHECK(keyed_hash256(key, "coffer/watermark/1", {as_bytes("abc")}).hex() ==
          "dba2116316cc186930b647a4f185e3883b0ea2ed64ef4b0dc60a6c4e5b20fe3a");
}

TEST_CASE("a hash is over the context and the parts, one after the other") {
    CHECK(hash256("ab", {as_bytes("c"), as_bytes("de")}) == hash256("", {as_bytes("abcde")}));
    CHECK(hash256("ab", {as_bytes("c")}) != hash256("ab", {as_bytes("d")}));
    CHECK(hash256("x", {as_bytes("c")}) != hash256("y", {as_bytes("c")}));
}

TEST_CASE("a keyed hash depends on the key") {
    Bytes one(32, 1), two(32, 2);
    CHECK(keyed_hash256(one, "c", {}) != keyed_hash256(two, "c", {}));
    CHECK(keyed_hash256(one, "c", {}) != hash256("c", {}));
}

TEST_CASE("SipHash-2-4 gives the value of its paper") {
    std::array<std::uint8_t, 16> key;
    Bytes data;
    for (std::uint8_t i = 0; i < 16; ++i) key[i] = i;
    for (std::uint8_t i = 0; i < 15; ++i) data.push_back(i);
    CHECK(short_hash(key, data) == 0xa129ca6149be45e5);
}

TEST_CASE("random values differ") {
    CHECK(random_fixed<StoreId>() != random_fixed<StoreId>());
    CHECK_FALSE(random_fixed<StoreId>().is_zero());
}
