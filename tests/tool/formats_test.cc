// SPDX-License-Identifier: Apache-2.0
//
// What `import` reads and `export` writes, as texts: every value comes back byte for byte.
#include "formats/format.h"

#include "formats/dotenv.h"
#include "formats/json.h"
#include "formats/kestra.h"
#include "formats/pass.h"
#include "keys/base64.h"
#include "support/catch.h"
#include "transfer/import_names.h"

using namespace coffer;

namespace {

struct Read {
    std::vector<std::pair<std::string, std::string>> values;  // name and value
    std::vector<std::size_t> lines;
    std::vector<std::string> warnings;
    std::string error;
    bool operator==(const Read&) const = default;
};

Read read(Format format, std::string text) {
    Read out;
    auto entries = parse_entries(format, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    if (!entries) {
        out.error = entries.error().message;
        return out;
    }
    for (const Entry& entry : entries->list) {
        out.values.emplace_back(entry.name, as_text(entry.value));
        out.lines.push_back(entry.line);
    }
    out.warnings = entries->warnings;
    return out;
}

// The value of a text's only entry.
std::string only(Format format, const std::string& text) {
    Read found = read(format, text);
    INFO(text << " gave " << found.error);
    REQUIRE(found.values.size() == 1);
    return found.values[0].second;
}

std::string env(const std::string& text) {
    return only(Format::dotenv, text);
}

std::string refusal(Format format, const std::string& text) {
    Read found = read(format, text);
    INFO(text);
    REQUIRE(!found.error.empty());
    return found.error;
}

std::string joined(const SecretChunks& chunks) {
    std::string out;
    for (ByteView part : chunks.parts()) out += as_text(part);
    return out;
}

using Values = std::vector<std::pair<std::string, std::string>>;

std::string written(Format format, const Values& values) {
    SecretChunks lines, object;
    JsonWriter json(object);
    for (const auto& [key, value] : values) {
        if (format == Format::dotenv) REQUIRE(write_dotenv(lines, key, as_bytes(value)));
        if (format == Format::kestra) REQUIRE(write_kestra(lines, key, as_bytes(value)));
        if (format == Format::json) REQUIRE(json.add(key, as_bytes(value)));
    }
    REQUIRE(json.finish());
    return joined(format == Format::json ? object : lines);
}

// Each of these has broken somebody's reader.
Values nasty_values() {
    std::vector<std::string> values{
        "",
        " ",
        "plain",
        " blanks around ",
        "two\nlines\n",
        "\n",
        "win\r\ndows\r",
        "it's",
        "say \"hi\"",
        "both ' and \"",
        "$HOME ${HOME} $(id) `id`",
        "back\\slash\\n and \\",
        "# no comment",
        "a #b",
        "a=b=c",
        "{{ \"x\" | base64encode }}",
        "`tick",
        "caf\xc3\xa9 \xf0\x9f\x98\x80",
        "\xff\xfe no text",
        "\xed\xa0\x80 half a pair",
        "\x01\x1b\x7f",
        "\t",
        "-----BEGIN X-----\nabc=\n-----END X-----\n",
    };
    values.emplace_back(70000, 'x');
    values.back() += "'\"\\";
    Values out;
    for (const std::string& value : values) out.emplace_back(concat("KEY_", out.size()), value);
    return out;
}

}  // namespace

TEST_CASE("every text format gives back every value that it was written from") {
    Values values = nasty_values();
    for (Format format : {Format::dotenv, Format::kestra, Format::json}) {
        if (format != Format::dotenv) values.emplace_back("NUL", std::string("a\0b\0", 4));
        INFO(to_text(format));
        Read found = read(format, written(format, values));
        CHECK(found.error.empty());
        CHECK(found.warnings.empty());
        CHECK(found.values == values);
    }
}

TEST_CASE("a NUL byte is refused by dotenv, which has no way to write it") {
    SecretChunks out;
    auto refused = write_dotenv(out, "KEY", as_bytes(std::string_view("a\0b", 3)));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("--format json") != std::string::npos);
    CHECK(joined(out).empty());
    CHECK(refusal(Format::dotenv, std::string("A=1\nB=x\0y\n", 10)).starts_with("line 2: "));
}

TEST_CASE("dotenv has comments, blanks and export around plain values") {
    CHECK(env("A=1") == "1");
    CHECK(env("  A =  one two  \n") == "one two");
    CHECK(env("export A=1\n") == "1");
    CHECK(env("export\tA=1\n") == "1");
    CHECK(env("# comment\n\n   # another\nA=1") == "1");
    CHECK(env("A=value # why\n") == "value");
    CHECK(env("A=value#no\n") == "value#no");
    CHECK(env("A=#secret\n") == "#secret");
    CHECK(env("A= # nothing\n").empty());
    CHECK(env("A=\n").empty());
    CHECK(env("A=a\"b'c\n") == "a\"b'c");
    CHECK(env("A=C:\\new\n") == "C:\\new");
    CHECK(read(Format::dotenv, "export=1\n").values == Values{{"export", "1"}});
    CHECK(read(Format::dotenv, "").values.empty());
}

TEST_CASE("dotenv has two kinds of quotes, over several lines too") {
    CHECK(env("A='x $y \\n \"z\"'") == "x $y \\n \"z\"");
    CHECK(env("A=\"x\\ty\\n\\r\\\\ \\\" \\' \\$ \\`\"") == "x\ty\n\r\\ \" ' $ `");
    CHECK(env("A=\"C:\\dir\"") == "C:\\dir");
    CHECK(env("A='one\ntwo\n'  # comment\n") == "one\ntwo\n");
    CHECK(env("A=\"one\ntwo\"") == "one\ntwo");
    CHECK(env("A=\"\"").empty());
    Read found = read(Format::dotenv, "A='1\n2'\nB=3\nA=4\n");
    CHECK(found.values == Values{{"A", "1\n2"}, {"B", "3"}, {"A", "4"}});
    CHECK(found.lines == std::vector<std::size_t>{1, 3, 4});
}

TEST_CASE("dotenv takes a byte order mark and the line ends of Windows") {
    Read found = read(Format::dotenv,
                      "\xef\xbb\xbf"
                      "A=1\r\nB=\"x\r\ny\\r\"\r\n\r\nC='z' # c\r\nD=last\r");
    CHECK(found.error.empty());
    CHECK(found.values == Values{{"A", "1"}, {"B", "x\ny\r"}, {"C", "z"}, {"D", "last"}});
}

TEST_CASE("dotenv says so where another reader would put a variable's value") {
    CHECK(env("A=${HOME}/x") == "${HOME}/x");
    CHECK(read(Format::dotenv, "A=${HOME}/x").warnings.size() == 1);
    CHECK(read(Format::dotenv, "A=\"${HOME}\"").warnings.size() == 1);
    CHECK(read(Format::dotenv, "A='${HOME}'\nB=\"\\${HOME}\"\nC=pa$word").warnings.empty());
}

TEST_CASE("dotenv names the line of what it does not understand, and never quotes it") {
    CHECK(refusal(Format::dotenv, "A=1\nhunter2\n").starts_with("line 2: expected KEY=value"));
    CHECK(refusal(Format::dotenv, "A=1\n\n=hunter2\n").starts_with("line 3: "));
    CHECK(refusal(Format::dotenv, "A=1\nB='hunter2\nC=3\n").starts_with("line 2: "));
    CHECK(refusal(Format::dotenv, "A=\"hunter2\\\"").starts_with("line 1: "));
    CHECK(refusal(Format::dotenv, "A='x'hunter2\n").starts_with("line 1: "));
    CHECK(refusal(Format::dotenv, "A=`hunter2`\n").starts_with("line 1: "));
    CHECK(refusal(Format::dotenv, "A=hun\rter2\n").starts_with("line 1: "));
    CHECK(refusal(Format::dotenv, "A=-----BEGIN PRIVATE KEY-----\nhunter2\n").find("PEM") !=
          std::string::npos);
    for (const char* text : {"hunter2", "A=1\n=hunter2", "B='hunter2", "A='x'hunter2", "A=`hunter2`"})
        CHECK(refusal(Format::dotenv, text).find("hunter2") == std::string::npos);
}

TEST_CASE("Kestra's lines are base64 or its macro") {
    CHECK(only(Format::kestra, "SECRET_A=dmFsdWU=\n") == "value");
    CHECK(only(Format::kestra, "export SECRET_A='dmFsdWU'  # c\r\n") == "value");
    CHECK(only(Format::kestra, "SECRET_A=\n").empty());
    CHECK(only(Format::kestra, "SECRET_A={{ \"va\\\"l'u\\e\" | base64encode }}") == "va\"l'u\\e");
    CHECK(only(Format::kestra, "SECRET_A=\"{{'v' |base64encode}}\" # c\n") == "v");
    Read found = read(Format::kestra, "SECRET_A=dmFsdWU=\nKESTRA_URL=http://x\nSECRET_B=Yg==\n");
    CHECK(found.values == Values{{"A", "value"}, {"B", "b"}});
    REQUIRE(found.warnings.size() == 1);
    CHECK(found.warnings[0].find("KESTRA_URL") != std::string::npos);
    CHECK(refusal(Format::kestra, "SECRET_A=Yg==\nSECRET_B=not/base64!\n").starts_with("line 2: "));
    CHECK(refusal(Format::kestra, "SECRET_A=Yg== tail\n").starts_with("line 1: "));
    CHECK(refusal(Format::kestra, "SECRET_A='Yg==\n").starts_with("line 1: "));
    CHECK(refusal(Format::kestra, "SECRET_A={{ env.X | base64encode }}\n").starts_with("line 1: "));
    CHECK(refusal(Format::kestra, "SECRET_A={{ \"#{x}\" | base64encode }}\n").starts_with("line 1: "));
    CHECK(refusal(Format::kestra, "SECRET_A={{ \"v | base64encode }}\n").starts_with("line 1: "));
    CHECK(refusal(Format::kestra, "SECRET_A={{ \"v\" | upper }}\n").starts_with("line 1: "));
}

TEST_CASE("JSON is one object of strings") {
    CHECK(only(Format::json, R"( {"A" : "x\"\\\/\b\f\n\r\t\u0041\u00e9\u20ac\ud83d\ude00"} )") ==
          "x\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(only(Format::json, "\xef\xbb\xbf{\"A\": {\"base64\": \"AP8=\"}}") == std::string("\0\xff", 2));
    CHECK(only(Format::json, R"({"A": "\u0000"})") == std::string(1, '\0'));
    CHECK(read(Format::json, "{}").values.empty());
    Read found = read(Format::json, "{\n\"A\": \"1\",\n\n\"B\": \"2\"}");
    CHECK(found.lines == std::vector<std::size_t>{2, 4});
    for (const char* text :
         {"", "[]", "{", "{\"A\"}", "{\"A\": }", "{\"A\": 1}", "{\"A\": null}", "{\"A\": \"x\",}",
          "{\"A\": \"x\"} x", "{\"A\": \"x", "{\"A\": \"\\x\"}", "{\"A\": \"\\u12g4\"}",
          "{\"A\": \"\\ud800\"}", "{\"A\": \"\\udc00\"}", "{\"A\": \"a\nb\"}", "{\"A\": {\"B\": \"x\"}}",
          "{\"A\": {\"base64\": \"!\"}}", "{\"A\": {\"base64\": \"YQ==\", \"x\": \"y\"}}", "{A: \"x\"}"})
        CHECK(refusal(Format::json, text).starts_with("line 1: "));
}

TEST_CASE("a format is guessed where that is safe, and asked for where it is not") {
    CHECK(guess_format(as_bytes(" \n{\"A\": \"x\"}")).value() == Format::json);
    CHECK(guess_format(as_bytes("A=1\nSECRET_B=Yg==\n")).value() == Format::dotenv);
    CHECK(guess_format(as_bytes("SECRET_B=a b c\n")).value() == Format::dotenv);
    CHECK(guess_format(as_bytes("")).value() == Format::dotenv);
    CHECK(guess_format(as_bytes("SECRET_A={{ \"v\" | base64encode }}\n")).value() == Format::kestra);
    auto unsure = guess_format(as_bytes("# c\nSECRET_A=Yg==\nexport SECRET_B='Yg=='\n"));
    REQUIRE_FALSE(unsure);
    CHECK(unsure.error().message.find("--format kestra") != std::string::npos);
    CHECK_FALSE(parse_format("yaml"));
    for (const char* name : {"dotenv", "kestra", "json", "dir", "pass"})
        CHECK(to_text(parse_format(name).value()) == name);
}

TEST_CASE("pass's files lose one line feed, and those that are encrypted are refused") {
    Entries entries{{{"a", as_bytes("x\n"), 0}, {"b", as_bytes("x\n\n"), 0}, {"c", as_bytes("x"), 0}}, {}};
    REQUIRE(take_as_pass(entries));
    CHECK(as_text(entries.list[0].value) == "x");
    CHECK(as_text(entries.list[1].value) == "x\n");
    CHECK(as_text(entries.list[2].value) == "x");
    CHECK(entries.warnings.size() == 1);
    Entries locked{{{"a.gpg", as_bytes("x\n"), 0}}, {}};
    CHECK_FALSE(take_as_pass(locked));
}

TEST_CASE("base64 is decoded in place, with or without padding") {
    const auto decoded = [](std::string text) -> std::string {
        auto found = decode_base64({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
        return found ? std::string(as_text(*found)) : "refused";
    };
    CHECK(decoded("").empty());
    CHECK(decoded("Zm9vYmFy") == "foobar");
    CHECK(decoded("Zm9vYg==") == "foob");
    CHECK(decoded("Zm9vYg") == "foob");
    CHECK(decoded("+/+/") == "\xfb\xff\xbf");
    for (const char* bad :
         {"Z", "Zm9v=", "Zh==", "Zm9=", "====", "Zm 9v", "Zm-_", "Zm9vYg=", "=Zm9", "Z\xc1==", "Zm9v\n"})
        CHECK(decoded(bad) == "refused");
}

TEST_CASE("names are checked, and of a name that is there twice the last value counts") {
    const std::vector<Entry> entries{
        {"A", as_bytes("1"), 1}, {"B", as_bytes("2"), 2}, {"A", as_bytes("3"), 3}};
    ImportNames names = import_names(entries, {});
    REQUIRE(names.values.size() == 2);
    CHECK(names.values[0].key == "A");
    CHECK(as_text(names.values[0].value) == "3");
    REQUIRE(names.warnings.size() == 1);
    CHECK(names.warnings[0] == "A stands on line 1 and again on line 3, which counts");
}

TEST_CASE("names that are no KEY are all told, renamed or left out") {
    const std::vector<Entry> entries{
        {"web/db", as_bytes("1"), 0}, {"A B", as_bytes("2"), 4}, {"C", as_bytes("3"), 5}};
    ImportNames strict = import_names(entries, {});
    REQUIRE(strict.problems.size() == 2);
    CHECK(strict.problems[0].find("--rename makes it web_db") != std::string::npos);
    CHECK(strict.problems[1].starts_with("line 4: "));
    ImportNames renamed = import_names(entries, {true, false});
    CHECK(renamed.problems.empty());
    REQUIRE(renamed.values.size() == 3);
    CHECK(renamed.values[1].key == "A_B");
    CHECK(renamed.notes.size() == 2);
    ImportNames skipped = import_names(entries, {false, true});
    CHECK(skipped.problems.empty());
    CHECK(skipped.values.size() == 1);
    CHECK(skipped.warnings.size() == 2);
    CHECK(valid_key(".dockerconfigjson") == "_dockerconfigjson");
    CHECK(valid_key("-x") == "_x");
    CHECK(
        import_names({{"a/b", as_bytes("1"), 0}, {"a b", as_bytes("2"), 0}}, {true, false}).problems.size() ==
        1);
    CHECK(import_names({{std::string(129, 'a'), as_bytes("1"), 0}}, {true, false}).problems.size() == 1);
}

TEST_CASE("a value over the limit is told, whatever its name") {
    const std::string large((1u << 20) + 1, 'x');
    ImportNames names = import_names({{"A", as_bytes(large), 7}}, {true, true});
    REQUIRE(names.problems.size() == 1);
    CHECK(names.problems[0].starts_with("line 7: "));
    CHECK(names.values.empty());
}
