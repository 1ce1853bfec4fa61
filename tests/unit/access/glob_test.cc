// SPDX-License-Identifier: Apache-2.0
#include "access/glob.h"

#include "support/catch.h"

using coffer::Glob;

namespace {

bool matches(std::string_view pattern, std::string_view text) {
    auto glob = Glob::compile(pattern);
    REQUIRE(glob);
    return glob->matches(text);
}

}  // namespace

TEST_CASE("a pattern without stars matches itself alone") {
    CHECK(matches("checkout.service", "checkout.service"));
    CHECK_FALSE(matches("checkout.service", "checkout.service2"));
    CHECK_FALSE(matches("checkout.service", "xcheckout.service"));
    CHECK_FALSE(matches("a.b", "axb"));
}

TEST_CASE("one star stays within a segment and two do not") {
    CHECK(matches("app@*.service", "app@1.service"));
    CHECK(matches("*", ""));
    CHECK(matches("/usr/bin/*", "/usr/bin/cat"));
    CHECK_FALSE(matches("/usr/bin/*", "/usr/bin/x/cat"));
    CHECK_FALSE(matches("*", "a/b"));
    CHECK(matches("/usr/**", "/usr/bin/x/cat"));
    CHECK(matches("**", "a/b"));
    CHECK(matches("/a/**/z", "/a/b/c/z"));
    CHECK_FALSE(matches("/a/**/z", "/a/z"));
    CHECK(matches("a*b*c", "aXXbYYc"));
    CHECK_FALSE(matches("a*b*c", "aXXbYY"));
}

TEST_CASE("patterns that nobody can mean are refused") {
    for (const char* bad : {"", "a***", "*a*a*a*a*a*a*a*a*a"}) CHECK_FALSE(Glob::compile(bad));
}
