// SPDX-License-Identifier: Apache-2.0
#include "access/policy/glob.h"

#include <string>
#include <vector>

#include "support/catch.h"

using coffer::Glob;

namespace {

bool matches(std::string_view pattern, std::string_view text) {
    auto glob = Glob::compile(pattern);
    REQUIRE(glob);
    return glob->matches(text);
}

// The definition: each star tries every length.
bool by_definition(std::string_view pattern, std::string_view text) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() != '*')
        return !text.empty() && text.front() == pattern.front() &&
               by_definition(pattern.substr(1), text.substr(1));
    const bool deep = pattern.starts_with("**");
    std::string_view rest = pattern.substr(deep ? 2 : 1);
    for (std::size_t taken = 0; taken <= text.size(); ++taken) {
        if (taken > 0 && !deep && text[taken - 1] == '/') return false;
        if (by_definition(rest, text.substr(taken))) return true;
    }
    return false;
}

// Every string of `letters` with at most `length` characters.
std::vector<std::string> all_strings(std::string_view letters, std::size_t length) {
    std::vector<std::string> out = {""};
    for (std::size_t first = 0, size = 1; size <= length; ++size) {
        std::size_t last = out.size();
        for (std::size_t i = first; i < last; ++i)
            for (char c : letters) out.push_back(out[i] + c);
        first = last;
    }
    return out;
}

}  // namespace

TEST_CASE("a pattern matches what its definition says, for all short patterns and texts") {
    const auto texts = all_strings("ab/", 5);
    for (const std::string& pattern : all_strings("a/*", 6)) {
        auto glob = Glob::compile(pattern);
        if (!glob) continue;
        for (const std::string& text : texts) {
            if (glob->matches(text) == by_definition(pattern, text)) continue;
            FAIL(pattern << " against " << text);
        }
    }
}

TEST_CASE("a long hostile text does not keep a match busy") {
    const std::string text(4096, 'a');
    CHECK_FALSE(matches("*a*a*a*a*a*a*a*b", text));
    CHECK_FALSE(matches("**a**a**a**b", text));
    CHECK_FALSE(matches("**a*a*a*b", text));
    CHECK(matches("**a**a**a**", text));
}

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
