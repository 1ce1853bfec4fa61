// SPDX-License-Identifier: Apache-2.0
#include "base/bytes.h"

#include "support/catch.h"

using namespace coffer;

TEST_CASE("hexadecimal goes there and back in lower case only") {
    const Bytes bytes = {0x00, 0x0f, 0xa0, 0xff};
    CHECK(to_hex(bytes) == "000fa0ff");
    std::array<std::uint8_t, 4> out{};
    REQUIRE(from_hex("000fa0ff", out));
    CHECK(Bytes(out.begin(), out.end()) == bytes);
    CHECK_FALSE(from_hex("000FA0FF", out));
    CHECK_FALSE(from_hex("000fa0f", out));
    CHECK_FALSE(from_hex("000fa0ff00", out));
    CHECK_FALSE(from_hex("000fa0fg", out));
    CHECK_FALSE(from_hex("", out));
}

TEST_CASE("integers are written with the low byte first") {
    ByteWriter out;
    out.u8(0x01);
    out.u16(0x0302);
    out.u32(0x07060504);
    out.u64(0x0f0e0d0c0b0a0908);
    CHECK(to_hex(out.bytes()) == "0102030405060708090a0b0c0d0e0f");
}

TEST_CASE("a length-prefixed text is a 32-bit length and its bytes") {
    ByteWriter out;
    out.lp("ab");
    out.lp("");
    CHECK(to_hex(out.bytes()) == "02000000616200000000");
}

TEST_CASE("the reader reads what the writer wrote") {
    ByteWriter out;
    out.u8(200);
    out.u16(60000);
    out.u32(4000000000);
    out.u64(18000000000000000000u);
    out.lp("key");
    StoreId id;
    id.bytes.fill(7);
    out.fixed(id);
    ByteReader in(out.bytes());
    CHECK(in.u8() == 200);
    CHECK(in.u16() == 60000);
    CHECK(in.u32() == 4000000000);
    CHECK(in.u64() == 18000000000000000000u);
    CHECK(in.lp_text() == "key");
    CHECK(in.fixed<StoreId>() == id);
    CHECK(in.at_end());
}

TEST_CASE("a reader that ran short stays bad and gives zeros") {
    const Bytes bytes = {1, 2, 3};
    ByteReader in(bytes);
    CHECK(in.u32() == 0);
    CHECK_FALSE(in.ok());
    CHECK(in.u8() == 0);  // though a byte was there
    CHECK(in.lp().empty());
    CHECK(in.fixed<StoreId>().is_zero());
    CHECK_FALSE(in.at_end());
}

TEST_CASE("a length that points past the end is refused") {
    const Bytes bytes = {0xff, 0xff, 0xff, 0xff, 'x'};
    ByteReader in(bytes);
    CHECK(in.lp().empty());
    CHECK_FALSE(in.ok());
}

TEST_CASE("a fixed value parses its own hexadecimal and nothing else") {
    StoreId id;
    for (std::size_t i = 0; i < id.bytes.size(); ++i) id.bytes[i] = static_cast<std::uint8_t>(i);
    CHECK(id.hex() == "000102030405060708090a0b0c0d0e0f");
    auto parsed = StoreId::parse(id.hex());
    REQUIRE(parsed);
    CHECK(*parsed == id);
    auto shorter = StoreId::parse("0001");
    REQUIRE_FALSE(shorter);
    CHECK(shorter.error().code == Code::invalid);
}

TEST_CASE("concat joins strings and integers") {
    CHECK(concat("a", std::string("b"), 'c', 1, -2, std::uint64_t{18446744073709551615u}) ==
          "abc1-218446744073709551615");
}

namespace {

Result<int> half(int value) {
    if (value % 2 != 0) return refuse(Code::invalid, "half.odd", value, " is odd");
    return value / 2;
}

Result<int> quarter(int value) {
    COFFER_TRY(int once, half(value));
    COFFER_TRY(int twice, half(once));
    return twice;
}

Result<void> even(int value) {
    COFFER_CHECK(half(value));
    return {};
}

}  // namespace

TEST_CASE("an error passes through COFFER_TRY and COFFER_CHECK with its rule") {
    CHECK(*quarter(8) == 2);
    auto bad = quarter(6);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().rule == "half.odd");
    CHECK(bad.error().message == "3 is odd");
    CHECK(even(2));
    CHECK(even(3).error().code == Code::invalid);
    auto wrapped = Result<void>(wrap(bad.error(), "reading ", 6));
    CHECK(wrapped.error().message == "reading 6: 3 is odd");
    CHECK(wrapped.error().rule == "half.odd");
}
