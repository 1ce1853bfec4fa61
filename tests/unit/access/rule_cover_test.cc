// SPDX-License-Identifier: Apache-2.0
#include "access/advice/rule_cover.h"

#include <random>

#include "support/policy_case.h"

using namespace coffer;
using namespace coffer::test;

namespace {

Glob glob(std::string_view text) {
    auto out = Glob::compile(text);
    if (!out) FAIL(out.error().message);
    return *out;
}

// The first rule of the text covers the second.
bool covers_second(std::string_view first, std::string_view second) {
    auto policy = parse_policy(rule_text(first, "a") + rule_text(second, "b"));
    return covers(policy->rules()[0], policy->rules()[1]);
}

bool useless_second(std::string_view first, std::string_view second) {
    auto policy = parse_policy(rule_text(first, "a") + rule_text(second, "b"));
    return makes_useless(policy->rules()[0], policy->rules()[1]);
}

}  // namespace

TEST_CASE("a pattern covers what it matches and its own kind") {
    CHECK(covers(glob("DB_*"), glob("DB_PASSWORD")));
    CHECK(covers(glob("*"), glob("DB_*")));
    CHECK(covers(glob("D*"), glob("DB_*X")));
    CHECK(covers(glob("**"), glob("/a/**")));
    CHECK_FALSE(covers(glob("DB_*"), glob("*")));
    CHECK_FALSE(covers(glob("DB_PASSWORD"), glob("DB_*")));
    CHECK_FALSE(covers(glob("/a/*"), glob("/a/**")));
}

TEST_CASE("what one pattern is said to cover it matches, for random patterns and texts") {
    std::mt19937 random(7);
    auto text_of = [&](std::string_view letters, std::size_t most) {
        std::string out;
        for (std::size_t size = 1 + random() % most; size > 0; --size)
            out += letters[random() % letters.size()];
        return out;
    };
    int covered = 0;
    for (int i = 0; i < 20000; ++i) {
        auto outer = Glob::compile(text_of("a/**", 5)), inner = Glob::compile(text_of("a/*", 4));
        if (!outer || !inner || !covers(*outer, *inner)) continue;
        ++covered;
        for (int j = 0; j < 20; ++j) {
            std::string text = text_of("aab/", 6);
            if (inner->matches(text) && !outer->matches(text))
                FAIL(outer->text() << " does not cover " << inner->text() << ": " << text);
        }
    }
    CHECK(covered > 1000);
}

TEST_CASE("a rule covers one with the same selectors or more, and secrets within its own") {
    CHECK(covers_second("secrets = \"acme/**\"\nuid = [1, 2]",
                        "secrets = \"acme/a/b/K\"\nuid = 1\nunit = \"a.service\""));
    CHECK(covers_second("secrets = \"acme/**\"\nunit = \"a*.service\"",
                        "secrets = \"acme/a/*/*\"\nunit = \"ab.service\""));
    CHECK(covers_second("secrets = \"acme/**\"\nunit = \"a*.service\"",
                        "secrets = \"acme/{x}/*/*\"\nunit = \"a{x}.service\""));
    CHECK_FALSE(covers_second("secrets = \"acme/**\"\nuid = 1", "secrets = \"acme/**\"\nuid = [1, 2]"));
    CHECK_FALSE(covers_second("secrets = \"acme/**\"\nuid = 1", "secrets = \"acme/**\"\ngid = 1"));
    CHECK_FALSE(covers_second("secrets = \"acme/a/*/*\"\nuid = 1", "secrets = \"acme/**\"\nuid = 1"));
    CHECK_FALSE(covers_second("secrets = \"acme/a/b/K\"\nuid = 1\nexe = \"/a\"",
                              "secrets = \"acme/a/b/K\"\nuid = 1"));
    CHECK_FALSE(covers_second("secrets = \"acme/{x}/*/*\"\nunit = \"{x}.service\"",
                              "secrets = \"acme/a/*/*\"\nunit = \"b.service\""));
    CHECK_FALSE(covers_second("secrets = \"acme/{x}/*/*\"\nunit = \"{x}.service\"",
                              "secrets = \"acme/a/*/*\"\nunit = \"{x}.service\""));
    // The loader of credentials passes by the user of its own rule, not by that of another.
    CHECK_FALSE(covers_second("secrets = \"acme/**\"\nuid = 1",
                              "secrets = \"acme/**\"\nuid = 1\nunit = \"a.service\"\ncredential = true"));
    CHECK(covers_second("secrets = \"acme/**\"\nunit = \"a.service\"",
                        "secrets = \"acme/**\"\nuid = 1\nunit = \"a.service\"\ncredential = true"));
}

TEST_CASE("a later rule is useless only where it adds neither a caller, nor a permission, nor a look") {
    const std::string base = "secrets = \"acme/**\"\nuid = 1\n";
    CHECK(useless_second(base, base));
    CHECK(useless_second(base + "inherit = true", base));
    for (std::string_view more : {"inherit = true", "cached = true", "traced = true", "mode = \"0440\"",
                                  "owner = 0", "owner_group = 0"}) {
        INFO(more);
        CHECK_FALSE(useless_second(base, base + std::string(more)));
        CHECK(useless_second(base + std::string(more), base + std::string(more)));
    }
    CHECK_FALSE(useless_second(base + "within = \"5s\"", base));
    CHECK_FALSE(useless_second(base + "max_opens = 1", base));
    CHECK(useless_second(base, base + "within = \"5s\""));
    CHECK_FALSE(useless_second(base, base + "effect = \"deny\""));
    CHECK(useless_second(base + "effect = \"deny\"", base + "effect = \"deny\""));
}
