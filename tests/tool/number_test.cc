// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <CLI/CLI.hpp>
#include "input/number_option.h"
#include "input/secret_path.h"
#include "support/catch.h"

using namespace coffer;

TEST_CASE("a number has one spelling") {
    CHECK(*parse_number("N", "0") == 0);
    CHECK(*parse_number("N", "12") == 12);
    CHECK(*parse_number("N", "18446744073709551615") == UINT64_MAX);
    for (const char* text : {"", "-1", "+1", "01", "0x1", "1 ", " 1", "1.0", "18446744073709551616", "one"}) {
        CAPTURE(std::string(text));
        auto refused = parse_number("N", text);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::invalid);
    }
}

TEST_CASE("a number that was not given is none, and a wrong one is told by its option's long name") {
    auto parse = [](const std::string& words) {
        CLI::App app;
        NumberOption limit;
        OptionSet options(app);
        limit.add_to(options, "-n,--limit", "At most N");
        app.parse(words);
        return limit.value();
    };
    CHECK(*parse("") == std::nullopt);
    CHECK(*parse("-n 12") == 12);
    CHECK(*parse("--limit 0") == 0);
    auto refused = parse("-n few");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message == "expected --limit as a number, found \"few\"");
}

TEST_CASE("a filter matches what it names, and anything where it names nothing") {
    auto name = [](std::string_view text) { return *SecretName::parse(text); };
    FilterOptions::Filter any;
    CHECK(any.matches(name("acme/*/*/K")));
    FilterOptions::Filter production{
        {*Glob::compile("acme"), Glob::any(), *Glob::compile("production"), Glob::any()}};
    CHECK(production.matches(name("acme/checkout/production/K")));
    CHECK_FALSE(production.matches(name("acme/checkout/staging/K")));
    CHECK_FALSE(production.matches(name("acme/checkout/*/K")));
    FilterOptions::Filter key{{Glob::any(), Glob::any(), Glob::any(), *Glob::compile("K")}};
    CHECK(key.matches(name("acme/checkout/*/K")));
    CHECK_FALSE(key.matches(name("acme/checkout/*/K2")));
}
