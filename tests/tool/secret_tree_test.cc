// SPDX-License-Identifier: Apache-2.0
#include "output/secret_tree.h"

#include <algorithm>

#include "support/catch.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

Secret live(std::string_view name) {
    Secret out;
    out.name = must(SecretName::parse(name));
    out.last_version = 1;
    out.live.emplace();
    return out;
}

std::vector<Scope> scopes(std::initializer_list<std::string_view> texts) {
    std::vector<Scope> out;
    for (std::string_view text : texts) out.push_back(must(Scope::parse(text)));
    return out;
}

// "acme/checkout/production/KEY <- acme/*/*/KEY" for each path.
std::vector<std::string> lines(const std::vector<TreePlace>& places) {
    std::vector<std::string> out;
    for (const TreePlace& place : places) {
        const std::string folder = concat(place.org, '/', place.project, '/', place.domain);
        if (place.keys.empty()) out.push_back(folder);
        for (const auto& [key, secret] : place.keys)
            out.push_back(concat(folder, '/', key, " <- ", secret->name.text()));
    }
    return out;
}
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("each path shows the most specific live secret") {
    std::vector<Secret> secrets{live("acme/*/*/K"), live("acme/*/staging/K"), live("acme/a/*/K"),
                                live("acme/a/production/K")};
    const auto all = scopes({"acme/*/*", "acme/*/staging", "acme/a/*", "acme/a/production", "acme/b/*"});
    CHECK(lines(secret_tree(all, secrets)) == Lines{"acme/a/production/K <- acme/a/production/K",
                                                    "acme/a/staging/K <- acme/a/*/K",
                                                    "acme/b/staging/K <- acme/*/staging/K"});
    secrets[3].live.reset();
    secrets[1].live.reset();
    CHECK(lines(secret_tree(all, secrets)) == Lines{"acme/a/production/K <- acme/a/*/K",
                                                    "acme/a/staging/K <- acme/a/*/K",
                                                    "acme/b/staging/K <- acme/*/*/K"});
}

TEST_CASE("a directory is there once scopes name its project, and its domain there or for the org") {
    CHECK(secret_tree(scopes({"acme/*/*"}), {}).empty());
    CHECK(secret_tree(scopes({"acme/*/staging"}), {}).empty());
    CHECK(secret_tree(scopes({"acme/a/*"}), {}).empty());
    CHECK(lines(secret_tree(scopes({"acme/a/*", "acme/*/staging"}), {})) == Lines{"acme/a/staging"});
    // Another project's domain, and another org's, are not.
    CHECK(lines(secret_tree(scopes({"acme/a/x", "acme/b/*", "beta/*/y"}), {})) == Lines{"acme/a/x"});
}

TEST_CASE("orgs do not share what is for all of one") {
    std::vector<Secret> secrets{live("acme/*/*/K")};
    CHECK(lines(secret_tree(scopes({"acme/a/x", "beta/a/x"}), secrets)) ==
          Lines{"acme/a/x/K <- acme/*/*/K", "beta/a/x"});
}
