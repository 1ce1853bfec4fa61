// SPDX-License-Identifier: Apache-2.0
#include "access/policy/policy.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "access/policy/policy_folder.h"
#include "access/policy/policy_rule.h"
#include "support/policy_case.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::kDbPassword;
using coffer::test::parse_policy;
using coffer::test::rule_text;
using coffer::test::TempFolder;

namespace {

std::string error_of(std::string text) {
    PolicySource source{"p.toml", std::move(text)};
    auto policy = Policy::parse({&source, 1});
    return policy ? "accepted" : policy.error().message;
}

Caller caller(uid_t uid, std::string_view unit = "checkout.service", std::string exe = "/usr/bin/app") {
    return coffer::test::caller_in(concat("/system.slice/", unit), uid, std::move(exe));
}

bool allows(const std::string& text, const Caller& who, const SecretPath& path = kDbPassword) {
    return entitle(parse_policy(text), who).decide(path).allow;
}

}  // namespace

TEST_CASE("without a policy nobody reads anything") {
    auto decision = entitle(parse_policy(""), caller(0)).decide(kDbPassword);
    CHECK_FALSE(decision.allow);
    CHECK(decision.reason == "no rule allows it");
    CHECK_FALSE(entitle(parse_policy(""), caller(0)).may_see({}));
}

TEST_CASE("all selectors must match, and of an array one") {
    std::string text = rule_text(
        "secrets = \"acme/checkout/production/*\"\nuid = [1000, 1001]\nunit = [\"checkout.service\", "
        "\"x@*.service\"]");
    CHECK(allows(text, caller(1000)));
    CHECK(allows(text, caller(1001, "x@7.service")));
    CHECK_FALSE(allows(text, caller(1002)));
    CHECK_FALSE(allows(text, caller(1000, "other.service")));
    CHECK(entitle(parse_policy(text), caller(1000)).decide(kDbPassword).rule == "r");
}

TEST_CASE("a selector on something that a caller does not have does not match") {
    Caller bare = caller(1000);
    bare.cgroup = {};
    CHECK_FALSE(allows(rule_text("secrets = \"acme/**\"\nuid = 1000\nunit = \"*\""), bare));
    CHECK_FALSE(
        allows(rule_text("secrets = \"acme/**\"\nuid = 1000\nexe = \"**\""), caller(1000, "a.service", "")));
}

TEST_CASE("a group matches as effective or supplementary group") {
    std::string text = rule_text("secrets = \"acme/**\"\ngid = 50");
    Caller who = caller(1000);
    CHECK_FALSE(allows(text, who));
    who.groups = {20, 50, 60};
    CHECK(allows(text, who));
    who.groups.clear();
    who.ids.fsgid = 50;
    CHECK(allows(text, who));
}

TEST_CASE("a decision says which changing facts it rests on") {
    auto rests_on = [](const std::string& text, const Caller& who) {
        return entitle(parse_policy(text), who).decide(kDbPassword).rests_on;
    };
    std::string by_user = rule_text("secrets = \"acme/**\"\nuid = 1000", "by user");
    std::string by_group = rule_text("secrets = \"acme/**\"\ngid = 50", "by group");
    std::string by_unit = rule_text("secrets = \"acme/**\"\nunit = \"checkout.service\"", "by unit");
    Caller member = caller(1000, "checkout.service");
    member.groups = {50};
    CHECK(rests_on(by_user, member) == Facts::none);
    CHECK(rests_on(by_group, member) == Facts::status);  // it could leave
    CHECK(rests_on(by_unit, member) == Facts::place);
    CHECK(rests_on(by_unit + by_user + by_group, member) == (Facts::place | Facts::status));
    CHECK(rests_on(by_group, caller(1000)) == Facts::all);  // a refusal: it could join
    CHECK(rests_on(by_unit + by_user, caller(1000, "other.service")) == Facts::none);

    std::string deny =
        rule_text("effect = \"deny\"\nsecrets = \"acme/**\"\nunit = \"other.service\"", "deny");
    CHECK(rests_on(by_user + deny, member) == Facts::place);  // it could be moved there
    CHECK(rests_on(by_user + deny, caller(1000, "other.service")) == Facts::all);
    std::string elsewhere = rule_text("effect = \"deny\"\nsecrets = \"beta/**\"\ngid = 7", "elsewhere");
    CHECK(rests_on(by_user + elsewhere, member) == Facts::none);
}

TEST_CASE("a server that acts for another user on files is that user") {
    std::string text = rule_text("secrets = \"acme/**\"\nuid = 0", "root") +
                       rule_text("secrets = \"acme/**\"\nuid = 1000", "user");
    Caller server = caller(0);
    server.ids.fsuid = 1000;
    CHECK(entitle(parse_policy(text), server).decide(kDbPassword).rule == "user");
}

TEST_CASE("users and groups are given by name too") {
    CHECK(allows(rule_text("secrets = \"acme/**\"\nuser = \"root\""), caller(0)));
    Caller who = caller(1000);
    who.groups = {0};
    CHECK(allows(rule_text("secrets = \"acme/**\"\ngroup = \"root\""), who));
}

TEST_CASE("exe narrows a rule and never holds in another user namespace") {
    std::string text = rule_text("secrets = \"acme/**\"\nuid = 1000\nexe = \"/usr/bin/app\"");
    CHECK(allows(text, caller(1000)));
    CHECK_FALSE(allows(text, caller(1000, "a.service", "/usr/bin/other")));
    Caller foreign = caller(1000);
    foreign.foreign_user_namespace = true;
    CHECK_FALSE(allows(text, foreign));
}

TEST_CASE("a deny wins over every allow, wherever it stands") {
    std::string text =
        rule_text("secrets = \"acme/**\"\nuid = 1000", "allow") +
        rule_text("effect = \"deny\"\nsecrets = \"acme/*/production/DB_*\"\nuid = 1000", "deny");
    auto entitlement = entitle(parse_policy(text), caller(1000));
    auto decision = entitlement.decide(kDbPassword);
    CHECK_FALSE(decision.allow);
    CHECK(decision.rule == "deny");
    CHECK(entitlement.decide({"acme", "checkout", "production", "OTHER"}).allow);
    CHECK(allows(text, caller(1000), {"acme", "checkout", "staging", "DB_PASSWORD"}));
    std::string all = rule_text("secrets = \"acme/**\"\nuid = 1000", "allow") +
                      rule_text("effect = \"deny\"\nsecrets = \"**\"", "deny");
    CHECK_FALSE(allows(all, caller(1000)));
}

TEST_CASE("stars in secrets") {
    auto matches = [](std::string_view pattern) {
        return allows(rule_text("secrets = \"" + std::string(pattern) + "\"\nuid = 0"), caller(0));
    };
    for (const char* good : {"acme/checkout/production/DB_PASSWORD", "acme/**", "**", "**/DB_PASSWORD",
                             "acme/*/*/DB_*", "acme/**/DB_PASSWORD", "a*e/check*/*tion/*PASS*"})
        CHECK(matches(good));
    for (const char* bad : {"acme/checkout/staging/*", "other/**", "acme/*/*/db_*", "**/OTHER"})
        CHECK_FALSE(matches(bad));
}

TEST_CASE("a directory is seen when a secret below it could be read") {
    auto entitlement =
        entitle(parse_policy(rule_text("secrets = \"acme/checkout/prod*/DB_*\"\nuid = 0")), caller(0));
    CHECK(entitlement.may_see({}));
    CHECK(entitlement.may_see({"acme", {}, {}}));
    CHECK(entitlement.may_see({"acme", "checkout", {}}));
    CHECK(entitlement.may_see({"acme", "checkout", "production"}));
    CHECK_FALSE(entitlement.may_see({"other", {}, {}}));
    CHECK_FALSE(entitlement.may_see({"acme", "billing", {}}));
    CHECK_FALSE(entitlement.may_see({"acme", "checkout", "staging"}));
}

TEST_CASE("the first rule presents, later ones fill in what it leaves open") {
    auto entitlement = entitle(
        parse_policy(
            rule_text("secrets = \"acme/**\"\nuid = 0\nmode = \"0440\"", "one") +
            rule_text("secrets = \"acme/**\"\nuid = 0\nmode = \"0444\"\nowner = 7\ninherit = true", "two")),
        caller(0));
    auto decision = entitlement.decide(kDbPassword);
    CHECK(decision.rule == "one");
    CHECK(decision.presentation.mode == 0440);
    CHECK(decision.presentation.owner == uid_t{7});
    CHECK_FALSE(decision.presentation.group);
    CHECK(decision.inherit);
    CHECK_FALSE(decision.cached);
    CHECK(entitle(parse_policy(rule_text("secrets = \"acme/**\"\nuid = 0")), caller(0))
              .decide(kDbPassword)
              .presentation.mode == 0400);
}

TEST_CASE("errors name the file, the line and what was expected") {
    CHECK(error_of("[[rule]]\nname = \"r\"\nsecrets = \"acme/**\"\nuser = \"root\"\nuint = 3\n")
              .find("p.toml:5:1: unknown key \"uint\"") == 0);
    CHECK(error_of("[[rule]]\nname = 7\nsecrets = \"acme/**\"\nuid = 1\n")
              .find("p.toml:2:8: name: expected a string") == 0);
    CHECK(error_of("[[rule]\n").find("p.toml:1:") == 0);
    CHECK(error_of("rule = 3\n").find("[[rule]]") != std::string::npos);
    CHECK(error_of(rule_text("secrets = \"**\"\nuid = 1", std::string(257, 'n'))).find("1 to 256 bytes") !=
          std::string::npos);
    CHECK(error_of("rules = []\n").find("unknown key") != std::string::npos);
}

TEST_CASE("rules that mean nothing or prove nothing are refused") {
    struct Bad {
        const char* lines;
        const char* says;
    };
    for (const Bad& bad :
         {Bad{"uid = 1", "has no secrets"},
          Bad{"secrets = \"acme/**\"", "names no caller"},
          Bad{"secrets = \"acme/**\"\nexe = \"/bin/cat\"", "exe alone proves nothing"},
          Bad{"secrets = \"acme/**\"\nexe = \"/bin/cat\"\ncgroup = \"/**\"", "exe alone proves nothing"},
          Bad{"effect = \"deny\"\nsecrets = \"acme/**\"\nexe = \"/bin/cat\"", "exe alone proves nothing"},
          Bad{"secrets = \"acme/**\"\nunit = \"checkout\"", "as in \"checkout.service\""},
          Bad{"secrets = \"acme/**\"\nunit = \"a.slice\"", "matches nothing"},
          Bad{"secrets = \"acme/**\"\nslice = \"a.service\"", "matches nothing"},
          Bad{"secrets = \"acme/**\"\nuid = 1\nexe = \"cat\"", "whole path"},
          Bad{"secrets = \"acme/**\"\nuser_unit = \"a.service\"", "user_unit alone proves nothing"},
          Bad{"secrets = \"acme/**\"\nuser = \"no-such-user-here\"", "does not exist"},
          Bad{"secrets = \"acme/**\"\ngroup = \"no-such-group-here\"", "does not exist"},
          Bad{"secrets = \"acme/**\"\nuid = -1", "out of range"},
          Bad{"secrets = \"acme/**\"\nuid = 4294967295", "out of range"},
          Bad{"secrets = \"acme/**\"\nuid = []", "is empty"},
          Bad{"secrets = \"acme/**\"\nuid = \"root\"", "expected integers"},
          Bad{"secrets = []\nuid = 1", "is empty"},
          Bad{"secrets = \"acme/x\"\nuid = 1", "matches nothing"},
          Bad{"secrets = \"acme/a/b/c/d\"\nuid = 1", "matches nothing"},
          Bad{"secrets = \"acme/**/b/**\"\nuid = 1", "two **"},
          Bad{"secrets = \"acme/a b/c/d\"\nuid = 1", "matches nothing"},
          Bad{"secrets = \"acme/.a/c/d\"\nuid = 1", "matches nothing"},
          Bad{"secrets = \"acme//c/d\"\nuid = 1", "empty segment"},
          Bad{"secrets = \"acme/**\"\nuid = 1\neffect = \"permit\"", "\"allow\" or \"deny\""},
          Bad{"secrets = \"acme/**\"\nuid = 1\nmode = \"0640\"", "read-only"},
          Bad{"secrets = \"acme/**\"\nuid = 1\nmode = \"440\"", "four octal digits"},
          Bad{"secrets = \"acme/**\"\nuid = 1\nmode = 440", "expected a string"},
          Bad{"effect = \"deny\"\nsecrets = \"acme/**\"\nmode = \"0440\"", "say nothing"},
          Bad{"secrets = \"acme/**\"\nuid = 1\nuser = \"root\"", "exclude each other"},
          Bad{"secrets = \"acme/**\"\nuid = 1\nwithin = \"30\"", "as in \"30s\""},
          Bad{"secrets = \"acme/**\"\nuid = 1\nwithin = \"0s\"", "as in \"30s\""},
          Bad{"secrets = \"acme/**\"\nuid = 1\nmax_opens = 0", "from 1 to"},
          Bad{"secrets = \"acme/**\"\nuid = 1\nmax_opens = [1, 2]", "one number"},
          Bad{"secrets = \"acme/**\"\nsha256 = "
              "\"0000000000000000000000000000000000000000000000000000000000000000\"",
              "sha256 alone proves nothing"},
          Bad{"secrets = \"acme/**\"\nuid = 1\nsha256 = \"00\"", "sha256sum"},
          Bad{"secrets = \"acme/**\"\nuid = 1\ncredential = true", "add unit"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = 1", "expected a table"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = {}", "has no reload"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = [] }", "is empty"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = 1 }", "expected strings"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { restart = \"a.service\" }", "has no reload"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = \"a.service\", kill = 1 }",
              "unknown key \"kill\" in the on_change"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = \"nginx\" }", "whole name"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = \".service\" }", "whole name"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = \"a.socket\" }", "whole name"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = \"-a.service\" }", "no dash first"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = \"a*.service\" }", "without patterns"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = \"a b.service\" }", "without patterns"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = \"a@.service\" }", "a template"},
          Bad{"secrets = \"acme/**\"\nuid = 1\non_change = { reload = [\"a.service\", \"a.service\"] }",
              "twice"},
          Bad{"effect = \"deny\"\nsecrets = \"acme/**\"\non_change = { reload = \"a.service\" }",
              "say nothing"},
          Bad{"effect = \"deny\"\nsecrets = \"acme/**\"\ntraced = true", "say nothing"},
          Bad{"effect = \"deny\"\nsecrets = \"acme/**\"\nwithin = \"1s\"", "say nothing"},
          Bad{"secrets = \"acme/{p}/*/*\"\nuid = 1", "{p} is not captured"},
          Bad{"secrets = \"acme/{p/*/*\"\nuid = 1", "without its }"},
          Bad{"secrets = \"acme/{P}/*/*\"\nslice = \"{P}.slice\"", "a capture without a good name"},
          Bad{"secrets = \"acme/{p}/*/*\"\nslice = [\"c-{p}.slice\", \"c.slice\"]",
              "capture different names"},
          Bad{"secrets = \"acme/{p}/*/*\"\nslice = \"*-{p}.slice\"", "a star beside a capture"},
          Bad{"secrets = \"acme/{p}/*/*\"\nslice = \"{p}{q}.slice\"", "side by side"},
          Bad{"secrets = \"acme/**\"\nuid = 1\nexe = \"/opt/{p}/app\"", "nothing is captured"}}) {
        INFO(bad.lines);
        CHECK_THAT(error_of(rule_text(bad.lines)), Catch::Matchers::Contains(bad.says));
    }
    CHECK_THAT(error_of(rule_text("secrets = \"**\"\nuid = 1") + rule_text("secrets = \"**\"\nuid = 2")),
               Catch::Matchers::Contains("two rules named"));
}

TEST_CASE("on_change names services and grants nothing") {
    auto policy = parse_policy(
        rule_text("secrets = \"acme/**\"\nuid = 1\n"
                  "on_change = { reload = [\"nginx.service\", \"app@web\\\\x2d1.service\"] }") +
        rule_text("secrets = \"acme/a/**\"\nuid = 2", "b") + "[rule.on_change]\nreload = \"b.service\"\n");
    REQUIRE(policy->rules().size() == 2);
    CHECK(policy->rules()[0].on_change->reload ==
          std::vector<std::string>{"nginx.service", "app@web\\x2d1.service"});
    CHECK(policy->rules()[1].on_change->reload == std::vector<std::string>{"b.service"});
}

TEST_CASE("an error in on_change has its own place") {
    CHECK_THAT(error_of(rule_text("secrets = \"acme/**\"\nuid = 1\n"
                                  "on_change = { reload = [\"a.service\", \"b\"] }")),
               Catch::Matchers::Contains(":5:38: reload: expected a service"));
}

TEST_CASE("a policy folder is read in the order of names, and only what nobody else could write") {
    TempFolder folder;
    std::ofstream(folder / "20-b.toml") << rule_text("secrets = \"**\"\nuid = 2", "b");
    std::ofstream(folder / "10-a.toml") << rule_text("secrets = \"**\"\nuid = 1", "a");
    std::ofstream(folder / "README") << "no policy";
    std::ofstream(folder / ".hidden.toml") << "broken";
    auto policy = load_policy_folder(folder.path());
    REQUIRE(policy);
    REQUIRE((*policy)->rules().size() == 2);
    CHECK((*policy)->rules()[0].name == "a");

    SECTION("a file that its group can write") {
        chmod((folder / "20-b.toml").c_str(), 0664);
        auto refused = load_policy_folder(folder.path());
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::not_allowed);
    }
    SECTION("a folder that others can write") {
        chmod(folder.path().c_str(), 0777);
        CHECK_FALSE(load_policy_folder(folder.path()));
    }
    SECTION("a file of another user") {
        if (geteuid() == 0) {
            REQUIRE(chown((folder / "20-b.toml").c_str(), 60001, 60001) == 0);
            CHECK_FALSE(load_policy_folder(folder.path()));
        }
    }
    SECTION("a missing folder") {
        auto missing = load_policy_folder(folder / "none");
        REQUIRE_FALSE(missing);
        CHECK(missing.error().code == Code::not_found);
    }
}
