// SPDX-License-Identifier: Apache-2.0
//
// What a template may say, and what comes of it.
#include "access/template/template.h"

#include "access/template/template_parser.h"
#include "support/catch.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// The text that comes of a template, each secret of which has the value that its KEY names in `values`.
Result<std::string> rendered(std::string_view text, const std::vector<std::string>& values = {}) {
    COFFER_TRY(auto parsed, parse_template(text, "app.conf"));
    std::vector<ByteView> views;
    for (const std::string& value : values) views.push_back(as_bytes(value));
    COFFER_TRY(auto out, parsed.render(views));
    return std::string(as_text(out.view()));
}

std::string text_of(std::string_view text, const std::vector<std::string>& values = {}) {
    return must(rendered(text, values));
}

// Why it is no template.
std::string refusal(std::string_view text) {
    auto parsed = parse_template(text, "app.conf");
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == Code::invalid);
    return parsed.error().message;
}

bool says(std::string_view message, std::string_view part) {
    INFO(message);
    return message.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a text without expressions comes out byte for byte") {
    for (std::string_view text :
         {std::string_view(), std::string_view("a\r\nb\0c\n", 7),
          std::string_view("{ }} #} %} {x} { { {\"a\":{\"b\":1}}"), std::string_view("{")})
        CHECK(text_of(text) == text);
}

TEST_CASE("values stand where the template has them, each secret asked for once") {
    CHECK(text_of("user={{ secret('USER') }} pass={{secret(\"PASS\")}} again {{ secret( 'USER' ) }}\n",
                  {"u", "p"}) == "user=u pass=p again u\n");
    auto parsed = must(
        parse_template("{{ secret('A') }}{{ secret('A', 'acme/shared/production') }}{{ secret('A') }}", "x"));
    REQUIRE(parsed.secrets().size() == 2);
    CHECK_FALSE(parsed.secrets()[0].fallback);
    CHECK(parsed.secrets()[1].fallback->text() == "acme/shared/production");
    CHECK(parsed.secrets()[1].place.column == 18);
}

TEST_CASE("a value is no template: what it holds is written as it is") {
    CHECK(text_of("{{ secret('A') }}", {"{{ secret('B') }} {# #}"}) == "{{ secret('B') }} {# #}");
    CHECK(text_of("<{{ secret('A') }}>", {std::string("\0\xff\n", 3)}) == std::string("<\0\xff\n>", 5));
    CHECK(text_of("<{{ secret('A') }}>", {""}) == "<>");
}

TEST_CASE("comments leave nothing, and an expression may go over lines") {
    CHECK(text_of("a{# {{ secret('NO') }} 'x\n #}b") == "ab");
    CHECK(text_of("{{\n  secret( 'A' ,\n 'acme/x/y' )\n | json\n}}", {"v"}) == "\"v\"");
}

TEST_CASE("a text in quotes stands for itself") {
    CHECK(text_of("{{ '{{' }} {{ \"{%\" }} {{ '{#' }}") == "{{ {% {#");
    CHECK(text_of(R"({{ 'it\'s \\ \"\n\t' }})") == "it's \\ \"\n\t");
    CHECK(text_of("{{ '}}' }}{{ 'a b' | urlencode }}") == "}}a%20b");
}

TEST_CASE("filters write what the format of the file wants") {
    const std::string odd("a\"b\\c'd e&\n\t\x01", 13);
    CHECK(text_of("{{ secret('A') | base64encode }}", {odd}) == "YSJiXGMnZCBlJgoJAQ==");
    CHECK(text_of("{{ secret('A') | json }}", {odd}) == R"("a\"b\\c'd e&\n\t\u0001")");
    CHECK(text_of("{{ secret('A') | urlencode }}", {odd}) == "a%22b%5Cc%27d%20e%26%0A%09%01");
    CHECK(text_of("{{ secret('A') | shellquote }}", {odd}) == "'a\"b\\c'\\''d e&\n\t\x01'");
    CHECK(text_of("{{ secret('A') | shellquote }}{{ secret('A') | json }}{{ secret('A') | base64encode }}{{ "
                  "secret('A') | urlencode }}",
                  {""}) == "''\"\"");
}

TEST_CASE("base64encode gives the words of RFC 4648, and of every byte") {
    const std::pair<std::string, std::string> known[] = {{"f", "Zg=="},         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},       {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (const auto& [value, text] : known)
        CHECK(text_of("{{ secret('A') | base64encode }}", {value}) == text);
    CHECK(text_of("{{ secret('A') | base64encode }}", {"\xfb\xff\xbf"}) == "+/+/");
}

TEST_CASE("filters are applied from the left to the right") {
    CHECK(text_of("{{ secret('A') | base64encode | json }}", {"f"}) == "\"Zg==\"");
    CHECK(text_of("{{ secret('A')|json|base64encode }}", {"f"}) == "ImYi");
    CHECK(text_of("{{ secret('A') | base64encode | urlencode | shellquote }}", {"f"}) == "'Zg%3D%3D'");
}

TEST_CASE("json takes UTF-8 and nothing else") {
    for (std::string good :
         {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "\x7f"})
        CHECK(text_of("{{ secret('A') | json }}", {good}) == '"' + good + '"');
    for (std::string bad : {"\xff", "\xc3", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                            "\xe2\x82", "a\x80"}) {
        auto out = rendered("\n {{ secret('A') | json }}", {bad});
        REQUIRE_FALSE(out.has_value());
        CHECK(out.error().code == Code::invalid);
        CHECK(says(out.error().message, "app.conf:2:2: json: the value is not UTF-8"));
    }
}

TEST_CASE("shellquote refuses a NUL, which the shell would cut at") {
    auto out = rendered("{{ secret('A') | shellquote }}", {std::string("a\0b", 3)});
    REQUIRE_FALSE(out.has_value());
    CHECK(says(out.error().message, "app.conf:1:1: shellquote: the value has a NUL"));
}

TEST_CASE("what is no template is an error that says where, what was expected and what was found") {
    CHECK(says(refusal("a\nbc {{ secret('A') "),
               "app.conf:2:19: expected | and a filter, or }}, found the end"));
    CHECK(says(refusal("{{ }}"), "app.conf:1:4: expected secret('KEY') or a text in quotes, found \"}\""));
    CHECK(says(refusal("{{ secrets('A') }}"), "app.conf:1:4: expected secret('KEY')"));
    CHECK(says(refusal("{{ secret('A') }"), "app.conf:1:16: expected | and a filter, or }}, found \"}\""));
    CHECK(says(refusal("{{ secret 'A' }}"), "app.conf:1:11: expected ( after secret, found"));
    CHECK(says(refusal("{{ secret() }}"), "app.conf:1:11: expected a text in quotes, found \")\""));
    CHECK(says(refusal("{{ secret(A) }}"), "app.conf:1:11: expected a text in quotes, found \"A\""));
    CHECK(says(refusal("{{ secret('A' 'B') }}"), "app.conf:1:15: expected , and a scope, or ), found"));
    CHECK(says(refusal("{{ secret('A', 'a/b/c', 'd') }}"), "app.conf:1:23: expected ), found \",\""));
    CHECK(says(refusal("{{ secret('A') | upper }}"),
               "app.conf:1:18: expected one of the filters base64encode, json, urlencode, shellquote, found "
               "\"upper\""));
    CHECK(says(refusal("{{ secret('A') | }}"), "app.conf:1:18: expected one of the filters"));
    CHECK(says(refusal("{{ secret('A') || json }}"), "app.conf:1:17: expected one of the filters"));
    CHECK(says(refusal("{{ 'a }}"), "app.conf:1:4: the quote has no end on its line"));
    CHECK(says(refusal("{{ 'a\n' }}"), "app.conf:1:4: the quote has no end on its line"));
    CHECK(says(refusal("{{ 'a\\x' }}"), "app.conf:1:6: expected one of \\n, \\t"));
    CHECK(says(refusal("x {# y"), "app.conf:1:3: the comment has no end"));
    CHECK(says(refusal("{% if x %}"), "app.conf:1:1: there are no {% blocks"));
    CHECK(says(refusal("{{- secret('A') }}"), "app.conf:1:3: expected secret('KEY')"));
    CHECK(says(refusal("{{ 1 }}"), "app.conf:1:4: expected secret('KEY')"));
}

TEST_CASE("KEYs and scopes in a template have to be names") {
    CHECK(says(refusal("{{ secret('') }}"), "app.conf:1:11: "));
    CHECK(says(refusal("{{ secret('a/b') }}"), "app.conf:1:11: "));
    CHECK(says(refusal("{{ secret('.x') }}"), "app.conf:1:11: "));
    CHECK(says(refusal("{{ secret('A', 'acme') }}"), "app.conf:1:16: "));
    CHECK(says(refusal("{{ secret('A', 'acme/*/production') }}"),
               "app.conf:1:16: expected a directory of the mount"));
    CHECK(says(refusal("{{ secret('A', '') }}"), "app.conf:1:16: "));
}

TEST_CASE("a template has a limit, its secrets have one, and so has what comes of it") {
    CHECK(says(refusal(std::string(kMaxTemplate + 1, 'x')), "more than 1048576 bytes"));
    std::string many;
    for (std::size_t i = 0; i < kMaxTemplateSecrets; ++i) many += concat("{{ secret('K", i, "') }}");
    CHECK(must(parse_template(many, "x")).secrets().size() == kMaxTemplateSecrets);
    CHECK(says(refusal(many + "\n{{ secret('ONE_MORE') }}"), "app.conf:2:1: this is one secret more than"));

    const std::string half(kMaxRendered / 2, 'v');
    CHECK(text_of("{{ secret('A') }}{{ secret('A') }}", {half}).size() == kMaxRendered);
    auto large = rendered("{{ secret('A') }}{{ secret('A') }}x", {half});
    REQUIRE_FALSE(large.has_value());
    CHECK(large.error().code == Code::limit);
    auto grown = rendered("{{ secret('A') | urlencode }}", {std::string(kMaxRendered / 2, ' ')});
    REQUIRE_FALSE(grown.has_value());
    CHECK(grown.error().code == Code::limit);
}

TEST_CASE("no error has a byte of a value") {
    const std::string value = "hunter2\xff";
    auto out = rendered("{{ secret('A') | json }}", {value});
    REQUIRE_FALSE(out.has_value());
    CHECK(out.error().message.find("hunter2") == std::string::npos);
}

TEST_CASE("a secret is looked for where the text belongs, then in its fallback scope") {
    auto parsed = must(parse_template("{{ secret('A') }}{{ secret('B', 'acme/shared/production') }}", "x"));
    const Scope here = must(Scope::parse("acme/checkout/production")),
                shared = must(Scope::parse("acme/shared/production"));
    CHECK(parsed.secrets()[0].directories(here) == std::vector{here});
    CHECK(parsed.secrets()[0].directories({}).empty());
    CHECK(parsed.secrets()[1].directories(here) == std::vector{here, shared});
    CHECK(parsed.secrets()[1].directories({}) == std::vector{shared});
    CHECK(parsed.secrets()[1].directories(shared) == std::vector{shared});
}
