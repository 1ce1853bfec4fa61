// SPDX-License-Identifier: Apache-2.0
#include "redact/secret_forms.h"

#include <cctype>

#include "redact/redactor.h"
#include "support/catch.h"

using namespace coffer;

namespace {

// What is left of `text` once the forms of `value` are taken out.
std::string left_of(std::string_view value, std::string_view text) {
    SecretForms forms;
    REQUIRE(forms.add(as_bytes(value)));
    const Redactor redactor(forms.all());
    Redactor::Stream stream(redactor);
    LockedVector<std::uint8_t> out;
    stream.feed(as_bytes(text), out);
    stream.flush(out);
    return std::string(as_text(out));
}

// A value with everything that anybody escapes.
constexpr std::string_view kOdd = "p@ss /\"w\\rd\"<&>~*'+%\u00e9\U0001f511";

}  // namespace

TEST_CASE("a value is found as it is and line by line") {
    CHECK(left_of("hunter2!", "a hunter2! b") == "a [redacted] b");
    CHECK(left_of("hunter2!\n", "a hunter2! b") == "a [redacted] b");
    // On a terminal, where short lines would show the value in pieces.
    CHECK(left_of("ab\ncd\nef\n", "<ab\r\ncd\r\nef\r\n>") == "<[redacted]\r\n>");
    const std::string pem = "-----BEGIN KEY-----\r\nMIIEvQIBADANBg\r\n  abc\n};\n";
    CHECK(left_of(pem, "> " + pem + "<") == "> [redacted]<");
    CHECK(left_of(pem, "1 MIIEvQIBADANBg 2 abc 3 };") == "1 [redacted] 2 abc 3 };");
}

TEST_CASE("a value is found in base64, alone and within something longer") {
    // printf VALUE | base64; with one and two bytes in front and one behind.
    CHECK(left_of("hunter2!", "aHVudGVyMiE=") == "[redacted]=");
    CHECK(left_of("hunter2!\n", "aHVudGVyMiE= aHVudGVyMiEK") == "[redacted]= [redacted]");
    CHECK(left_of("hunter2!", "Omh1bnRlcjIhOg==") == "Om[redacted]Og==");
    CHECK(left_of("hunter2!", "dXNlcjpodW50ZXIyITo=") == "dXNlcjp[redacted]To=");
    CHECK(left_of("hunter2!", "dTpodW50ZXIyIQ==") == "dTp[redacted]Q==");
    CHECK(left_of("\xfb\xff\xfe\xfb\xff\xfe", "+//++//+ -__--__-") == "[redacted] [redacted]");
}

TEST_CASE("a long value is found in base64 that is wrapped") {
    std::string value;
    for (int i = 0; i < 100; ++i) value += static_cast<char>('a' + i % 26);
    // printf VALUE | base64; | base64 -w 64
    CHECK(left_of(value,
                  "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5emFiY2Rl\n"
                  "ZmdoaWprbG1ub3BxcnN0dXZ3eHl6YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg==") ==
          "[redacted]\n[redacted]g==");
    CHECK(left_of(value,
                  "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWZnaGlqa2xtbm9wcXJzdHV2\n"
                  "d3h5emFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6YWJjZGVmZ2hpamtsbW5vcHFy\n"
                  "c3R1dg==") == "[redacted]\n[redacted]\n[redacted]g==");
}

TEST_CASE("a value is found in hexadecimal, large and small") {
    CHECK(left_of("hunter2!", "68756e7465723221 68756E7465723221") == "[redacted] [redacted]");
}

TEST_CASE(
    "a value is found URL-escaped, as curl, Python, JavaScript, forms and .NET do, in large and small") {
    for (std::string escaped : {"p%40ss%20%2F%22w%5Crd%22%3C%26%3E~%2A%27%2B%25%C3%A9%F0%9F%94%91",
                                "p%40ss%20/%22w%5Crd%22%3C%26%3E~%2A%27%2B%25%C3%A9%F0%9F%94%91",
                                "p%40ss%20%2F%22w%5Crd%22%3C%26%3E~*'%2B%25%C3%A9%F0%9F%94%91",
                                "p%40ss+%2F%22w%5Crd%22%3C%26%3E%7E*%27%2B%25%C3%A9%F0%9F%94%91",
                                "p%40ss+%2F%22w%5Crd%22%3C%26%3E~%2A%27%2B%25%C3%A9%F0%9F%94%91"}) {
        CHECK(left_of(kOdd, escaped) == "[redacted]");
        for (std::size_t at = escaped.find('%'); at != escaped.npos; at = escaped.find('%', at + 1)) {
            for (char* c : {&escaped[at + 1], &escaped[at + 2]}) *c = static_cast<char>(std::tolower(*c));
        }
        CHECK(left_of(kOdd, escaped) == "[redacted]");
    }
    CHECK(left_of("p @(a)!", "p+%40(a)!") == "[redacted]");
}

TEST_CASE("a value is found JSON-escaped, as plain, ASCII, HTML-safe and slash-escaping writers do") {
    for (std::string_view escaped : {"p@ss /\\\"w\\\\rd\\\"<&>~*'+%\u00e9\U0001f511",
                                     "p@ss /\\\"w\\\\rd\\\"<&>~*'+%\\u00e9\\ud83d\\udd11",
                                     "p@ss /\\\"w\\\\rd\\\"\\u003c\\u0026\\u003e~*'+%\u00e9\U0001f511",
                                     "p@ss \\/\\\"w\\\\rd\\\"<&>~*'+%\u00e9\U0001f511",
                                     "p@ss \\/\\\"w\\\\rd\\\"<&>~*'+%\\u00e9\\ud83d\\udd11"})
        CHECK(left_of(kOdd, escaped) == "[redacted]");
    CHECK(left_of("line one\nline\ttwo", "\"line one\\nline\\ttwo\"") == "\"[redacted]\"");
    CHECK(left_of("\x01\x1f\xff\xc3.", "\\u0001\\u001f\xff\xc3.") == "[redacted]");
}

TEST_CASE("a value of less than four bytes is not looked for, and that is said") {
    for (std::string_view value : {"a", "abc", "abc\n", "ab\r\n\n", "   \n"}) {
        SecretForms forms;
        CHECK_FALSE(forms.add(as_bytes(value)));
        CHECK(forms.all().empty());
    }
    SecretForms forms;
    CHECK(forms.add({}));
    CHECK(forms.all().empty());
}

TEST_CASE("of a very long value the value, its lines and its base64 are looked for") {
    std::string value(kAllFormsLimit, 'x');
    value += "\nthe last line";
    CHECK(left_of(value, value) == "[redacted]");
    CHECK(left_of(value, "the last line") == "[redacted]");
    CHECK(left_of(value, "746865206c617374206c696e65") == "746865206c617374206c696e65");
}
