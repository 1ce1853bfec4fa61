// SPDX-License-Identifier: Apache-2.0
#include "names/name.h"

#include <string>

#include "support/catch.h"

using namespace coffer;
using namespace std::string_literals;

TEST_CASE("ordinary names are accepted") {
    for (auto name : {"a", "A9", "DB_PASSWORD", "id_ed25519", "tls.key", "a-b", "_x", "0"}) {
        INFO(name);
        CHECK(check_segment("project", name));
    }
}

TEST_CASE("a name that is no path segment is refused by the rule it breaks") {
    struct Bad {
        std::string name;
        std::string_view rule;
    };
    const Bad bad[] = {
        {"", "name.empty"},
        {".", "name.first-character"},
        {"..", "name.first-character"},
        {".hidden", "name.first-character"},
        {"-option", "name.first-character"},
        {"a/b", "name.character"},
        {"/", "name.character"},
        {"a\0b"s, "name.character"},
        {"a\nb", "name.character"},
        {"a b", "name.character"},
        {"a*", "name.character"},
        {"a{b}", "name.character"},
        {"a\x7f", "name.character"},
        {"\xc3\xa9", "name.character"},  // UTF-8 as well
        {"\xff\xfe", "name.character"},
        {std::string(65, 'a'), "name.too-long"},
        {std::string(300, 'a'), "name.too-long"},
    };
    for (const Bad& each : bad) {
        INFO(printable(each.name));
        auto checked = check_segment("project", each.name);
        REQUIRE_FALSE(checked);
        CHECK(checked.error().code == Code::invalid);
        CHECK(checked.error().rule == each.rule);
    }
}

TEST_CASE("a segment has at most 64 bytes and a KEY at most 128") {
    CHECK(check_segment("org", std::string(64, 'a')));
    CHECK_FALSE(check_segment("org", std::string(65, 'a')));
    CHECK(check_key(std::string(128, 'a')));
    CHECK_FALSE(check_key(std::string(129, 'a')));
}

TEST_CASE("a message shows a hostile name with nothing that a terminal would obey") {
    CHECK(printable("plain") == "plain");
    CHECK(printable("a\nb\x1b[2J\"\\") == "a\\x0ab\\x1b[2J\\x22\\x5c");
    CHECK(printable("\0"s) == "\\x00");
    CHECK(printable(std::string(100, 'a')) == std::string(80, 'a') + "...");
}
