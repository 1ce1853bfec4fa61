// SPDX-License-Identifier: Apache-2.0
#include "names/scope.h"

#include "support/catch.h"

using namespace coffer;

namespace {

Scope scope(std::string_view text) {
    return Scope::parse(text).value();
}
Pattern pattern(std::string_view text) {
    return Pattern::parse(text).value();
}

}  // namespace

TEST_CASE("a scope goes to text and back") {
    for (auto text : {"acme/*/*", "acme/checkout/*", "acme/*/production", "acme/checkout/production"}) {
        CHECK(scope(text).text() == text);
    }
    CHECK(scope("acme/*/production") == Scope{"acme", "", "production"});
}

TEST_CASE("a scope always names its org") {
    CHECK_FALSE(Scope::parse("*/checkout/production"));
    CHECK_FALSE(Scope::make("", "checkout", "production"));
    CHECK(Pattern::parse("*/checkout/production"));
    CHECK(pattern("*/*/*").is_any());
}

TEST_CASE("a scope or a secret with another number of segments is refused") {
    for (auto text : {"", "acme", "acme/checkout", "acme/checkout/production/x", "acme//production",
                      "/acme/checkout", "acme/checkout/", "acme/../x", "acme/**/x"}) {
        INFO(text);
        CHECK_FALSE(Scope::parse(text));
        CHECK_FALSE(Pattern::parse(text));
    }
    for (auto text :
         {"acme/checkout/production", "acme/checkout/production/K/L", "acme/checkout/production/*",
          "acme/checkout/production/", "*/a/b/K", "acme/checkout/production/.K"}) {
        INFO(text);
        CHECK_FALSE(SecretName::parse(text));
    }
}

TEST_CASE("a secret's name goes to text and back") {
    for (auto text : {"acme/*/*/PROXY", "acme/checkout/production/DB_PASSWORD"}) {
        CHECK(SecretName::parse(text).value().text() == text);
    }
}

TEST_CASE("a pattern contains a scope when every segment is any or equal") {
    struct Row {
        const char* pattern;
        const char* scope;
        bool contains, meets;
    };
    // A scope's "all" is contained only by "any"; it is met by everything.
    const Row rows[] = {
        {"*/*/*", "acme/checkout/production", true, true},
        {"*/*/*", "acme/*/*", true, true},
        {"acme/*/*", "acme/*/*", true, true},
        {"acme/*/*", "other/*/*", false, false},
        {"acme/checkout/*", "acme/checkout/production", true, true},
        {"acme/checkout/*", "acme/checkout/*", true, true},
        {"acme/checkout/*", "acme/billing/*", false, false},
        {"acme/checkout/*", "acme/*/*", false, true},
        {"acme/checkout/*", "acme/*/production", false, true},
        {"acme/*/staging", "acme/checkout/production", false, false},
        {"acme/*/staging", "acme/checkout/staging", true, true},
        {"acme/*/staging", "acme/checkout/*", false, true},
        {"acme/*/staging", "acme/*/*", false, true},
        {"*/*/staging", "acme/*/staging", true, true},
        {"acme/checkout/production", "acme/checkout/production", true, true},
        {"acme/checkout/production", "acme/checkout/staging", false, false},
    };
    for (const Row& row : rows) {
        INFO(row.pattern << " and " << row.scope);
        CHECK(contains(pattern(row.pattern), scope(row.scope)) == row.contains);
        CHECK(meets(pattern(row.pattern), scope(row.scope)) == row.meets);
    }
}

TEST_CASE("a path is served by project and domain, then project, then domain, then org") {
    auto scopes = scopes_serving("acme", "checkout", "production");
    CHECK(scopes[0].text() == "acme/checkout/production");
    CHECK(scopes[1].text() == "acme/checkout/*");
    CHECK(scopes[2].text() == "acme/*/production");
    CHECK(scopes[3].text() == "acme/*/*");
}
