// SPDX-License-Identifier: Apache-2.0
#include "access/config/toml_document.h"

#include "support/catch.h"

using namespace coffer;

TEST_CASE("a TOML text becomes values with their places, in the order of the file") {
    auto table = parse_toml("z = 'text'\na = [1, true, 1.5]\n[t]\nk = \"v\"\n", "f");
    REQUIRE(table);
    REQUIRE(table->members.size() == 3);
    CHECK(table->members[0].key == "z");
    CHECK(table->members[0].value.kind == TomlValue::Kind::text);
    CHECK(table->members[0].value.text == "text");
    CHECK(table->members[0].place.line == 1);
    CHECK(table->members[0].value.place.column == 5);
    const TomlValue& array = table->members[1].value;
    REQUIRE(array.kind == TomlValue::Kind::array);
    REQUIRE(array.items.size() == 3);
    CHECK(array.items[0].integer == 1);
    CHECK(array.items[1].boolean);
    CHECK(array.items[1].place.column == 9);
    CHECK(array.items[2].kind == TomlValue::Kind::other);
    CHECK(table->members[2].value.kind == TomlValue::Kind::table);
    CHECK(table->members[2].value.members.at(0).value.text == "v");
}

TEST_CASE("a text that is not TOML is an error with its place and no exception") {
    for (std::string_view text :
         {"a = ", "a = 1\na = 2\n", "[[x]]\n[x]\n", "= 1", "a = \"\xff\"", "a = 'x"}) {
        auto table = parse_toml(text, "file.toml");
        REQUIRE_FALSE(table);
        CHECK(table.error().code == Code::invalid);
        CHECK(table.error().message.starts_with("file.toml:"));
    }
    CHECK_FALSE(parse_toml("a = " + std::string(100000, '['), "f"));
    CHECK_FALSE(parse_toml(std::string((1u << 20) + 1, '\n'), "f"));
}

TEST_CASE("a quoted string reads back as it was") {
    for (std::string_view text : {"", "plain", "a\"b\\c", "line\nbreak\ttab\x7f\x01", "h\xc3\xa9"}) {
        auto table = parse_toml("k = " + quote_toml(text), "f");
        REQUIRE(table);
        CHECK(table->members.at(0).value.text == text);
    }
}

TEST_CASE("characters beyond ASCII stand in strings and comments and nowhere else") {
    CHECK(parse_toml("# \xc3\xa9\na = \"\xc3\xa9\" # \xc3\xa9\nb = '\xc3\xa9'\n", "f"));
    for (const char* bad : {"\xc3\xa9 = 1\n", "a = \xc3\xa9\n", "a = \"x\" \xc3\xa9\n", "\n a\xc3\xa9 = 1\n",
                            "a = -\"x \xce\x80\"\n"})
        CHECK_FALSE(parse_toml(bad, "f"));
}

TEST_CASE("a table header that begins with anything but a key is an error") {
    using namespace std::string_view_literals;
    for (std::string_view bad :
         {"[[\0rule]]\n"sv, "[\0]\n"sv, "[[=]]\n"sv, "[.a]\n"sv, "a = {=}\n"sv, "[[\0"sv, "["sv})
        CHECK_FALSE(parse_toml(bad, "f"));
}
