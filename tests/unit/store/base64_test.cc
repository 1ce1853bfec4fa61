// SPDX-License-Identifier: Apache-2.0
#include "keys/base64.h"

#include "support/catch.h"

using namespace coffer;

namespace {
std::string encoded(std::string_view text) {
    auto out = base64(as_bytes(text));
    REQUIRE(out);
    return std::string(as_text(out->view()));
}
}  // namespace

TEST_CASE("base64 gives the vectors of RFC 4648") {
    CHECK(encoded("f") == "Zg==");
    CHECK(encoded("fo") == "Zm8=");
    CHECK(encoded("foo") == "Zm9v");
    CHECK(encoded("foob") == "Zm9vYg==");
    CHECK(encoded("fooba") == "Zm9vYmE=");
    CHECK(encoded("foobar") == "Zm9vYmFy");
}

TEST_CASE("base64 of nothing is nothing") {
    CHECK(encoded("").empty());
}

TEST_CASE("base64 uses each of its digits in its place") {
    const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    for (unsigned i = 0; i < 64; i += 4) {
        unsigned group = i << 18 | (i + 1) << 12 | (i + 2) << 6 | (i + 3);
        for (int shift : {16, 8, 0}) bytes += static_cast<char>(group >> shift & 255);
    }
    CHECK(encoded(bytes) == digits);
}
