// SPDX-License-Identifier: Apache-2.0
#include "programs/child_environment.h"

#include <algorithm>
#include <cstdlib>

#include "support/catch.h"

using namespace coffer;

namespace {

std::vector<std::string> texts(ChildEnvironment& environment) {
    std::vector<std::string> out;
    auto pointers = environment.pointers();
    REQUIRE(pointers.back() == nullptr);
    for (std::size_t i = 0; i + 1 < pointers.size(); ++i) out.emplace_back(pointers[i]);
    return out;
}

bool has(const std::vector<std::string>& all, std::string_view one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

TEST_CASE("a program's environment is the inherited one with what was added in its place, or that alone") {
    setenv("COFFER_TEST_KEPT", "kept", 1);
    setenv("COFFER_TEST_OURS", "before", 1);
    ChildEnvironment inherited(ChildEnvironment::Start::inherited), empty(ChildEnvironment::Start::empty);
    for (ChildEnvironment* one : {&inherited, &empty}) {
        REQUIRE(one->add("COFFER_TEST_OURS", as_bytes("after=x"), "K"));
        REQUIRE(one->add("EMPTY", {}, "E"));
    }
    CHECK(texts(empty) == std::vector<std::string>{"COFFER_TEST_OURS=after=x", "EMPTY="});
    const std::string large(100'000, 'x');
    REQUIRE(empty.add("LARGE", as_bytes(large), "L"));
    CHECK(texts(empty) == std::vector<std::string>{"COFFER_TEST_OURS=after=x", "EMPTY=", "LARGE=" + large});
    empty.forget();
    CHECK(texts(empty).empty());
    const auto all = texts(inherited);
    CHECK(has(all, "COFFER_TEST_OURS=after=x"));
    CHECK(has(all, "COFFER_TEST_KEPT=kept"));
    CHECK_FALSE(has(all, "COFFER_TEST_OURS=before"));
    unsetenv("COFFER_TEST_KEPT");
    unsetenv("COFFER_TEST_OURS");
}

TEST_CASE("a variable that cannot be is refused, with what to do and without the value") {
    ChildEnvironment environment(ChildEnvironment::Start::empty);
    REQUIRE(environment.add("A", as_bytes("x"), "A"));
    const auto refused = [&](std::string_view name, std::string_view value, std::string_view says) {
        auto added = environment.add(name, as_bytes(value), "THE_KEY");
        REQUIRE_FALSE(added);
        CHECK(added.error().code == Code::invalid);
        CHECK(added.error().message.find(says) != std::string::npos);
        CHECK(added.error().message.find("hunter2") == std::string::npos);
    };
    refused("", "hunter2", "name of a variable");
    refused("A=B", "hunter2", "name of a variable");
    refused("A", "hunter2", "given twice");
    refused("B", std::string_view("hunter2\0", 8), "--file NAME=THE_KEY");
    refused("B", std::string(128 * 1024 - 2, 'x'), "--file NAME=THE_KEY");
    CHECK(environment.add("B", as_bytes(std::string(128 * 1024 - 3, 'x')), "B"));
}

TEST_CASE("a KEY's variable has no dots and dashes, and one that would choose what runs is known") {
    CHECK(variable_name("tls.key-2_X") == "tls_key_2_X");
    for (std::string_view name : {"PATH", "LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "NODE_OPTIONS",
                                  "_JAVA_OPTIONS", "PERL5DB", "GIT_EXTERNAL_DIFF", "LESSOPEN", "HOME"})
        CHECK(steers_programs(name));
    for (std::string_view name : {"DB_PASSWORD", "PATHS", "OLD_KEY", "GITHUB_TOKEN", "GIT_TOKEN"})
        CHECK_FALSE(steers_programs(name));
}
