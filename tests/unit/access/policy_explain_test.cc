// SPDX-License-Identifier: Apache-2.0
#include "access/advice/policy_explain.h"

#include <unistd.h>

#include <random>

#include "access/policy/policy_rule.h"
#include "support/policy_case.h"

using namespace coffer;
using namespace coffer::test;
using std::chrono::seconds;

namespace {

Explanation explained(const std::string& text, const Caller& who, const SecretPath& path = kDbPassword,
                      const Circumstances& now = {}) {
    return explain(parse_policy(text), who, path, now);
}

std::vector<std::string> keys_of(const RuleMiss& miss) {
    std::vector<std::string> out;
    for (const FailedKey& one : miss.failed) out.emplace_back(one.key);
    return out;
}

using Keys = std::vector<std::string>;
const Caller kCheckout = caller_in("/system.slice/checkout.service");
const std::string kReads =
    rule_text("secrets = \"acme/checkout/production/*\"\nuid = 1000\nunit = \"checkout.service\"", "reads");

}  // namespace

TEST_CASE("an allowance names the rule that decides") {
    Explanation out = explained(kReads, kCheckout);
    CHECK(out.allow);
    REQUIRE(out.rule);
    CHECK(out.rule->name == "reads");
    CHECK(out.rule->place.line == 1);
    CHECK(out.nearest.empty());
    CHECK_FALSE(out.draft);
}

TEST_CASE("a refusal names the rules about the secret with the fewest keys that fail") {
    std::string text = rule_text("secrets = \"acme/**\"\nuid = 1\nunit = \"a.service\"", "far") + kReads +
                       rule_text("secrets = \"other/**\"\nuid = 1001", "elsewhere") +
                       rule_text("secrets = \"acme/**\"\neffect = \"deny\"\nuid = 5", "deny");
    Explanation out = explained(text, caller_in("/system.slice/checkout.service", 1001));
    CHECK(out.reason == "no rule allows it");
    CHECK_FALSE(out.rule);
    REQUIRE(out.nearest.size() == 1);
    CHECK(out.nearest[0].rule->name == "reads");
    CHECK(keys_of(out.nearest[0]) == Keys{"user"});
    CHECK(out.nearest[0].failed[0].wanted == user_label(1000));
    CHECK(out.nearest[0].failed[0].found == user_label(1001));
}

TEST_CASE("where no rule is about the secret, the nearest is one that names the caller") {
    std::string text = kReads + rule_text("secrets = \"acme/checkout/staging/*\"\nuid = 1001", "staging") +
                       rule_text("secrets = \"other/**\"\nuid = 1001", "other");
    Explanation out = explained(text, caller_in("/", 1001), {"acme", "checkout", "development", "KEY"});
    REQUIRE(out.nearest.size() == 1);
    CHECK(out.nearest[0].rule->name == "staging");
    CHECK(keys_of(out.nearest[0]) == Keys{"secrets"});
    CHECK(out.nearest[0].failed[0].found == "acme/checkout/development/KEY");
}

TEST_CASE("each key that fails is named, with what it wants and what was found") {
    std::string hash(64, 'a');
    std::string text =
        rule_text(concat("secrets = \"acme/**\"\nuid = 1\ngid = 2\nexe = \"/bin/x\"\nsha256 = \"", hash,
                         "\"\nunit = \"a.service\"\nuser_unit = \"b.service\"\n"
                         "slice = \"c.slice\"\ncgroup = \"/d\""));
    Caller who = caller_in("/system.slice/checkout.service");
    who.tracer = 7;
    Explanation out = explained(text, who);
    REQUIRE(out.nearest.size() == 1);
    CHECK(keys_of(out.nearest[0]) ==
          Keys{"user", "group", "exe", "sha256", "unit", "user_unit", "slice", "cgroup", "traced"});
    CHECK(out.nearest[0].failed[3].wanted == hash);
    CHECK(out.nearest[0].failed[4].found == "checkout.service");
    CHECK(out.nearest[0].failed[5].found == "none");
}

TEST_CASE("a program in another user namespace is said not to be believed") {
    Caller who = kCheckout;
    who.foreign_user_namespace = true;
    Explanation out = explained(rule_text("secrets = \"acme/**\"\nuid = 1000\nexe = \"/usr/bin/app\""), who);
    REQUIRE(out.nearest.size() == 1);
    CHECK(keys_of(out.nearest[0]) == Keys{"exe"});
    CHECK(out.nearest[0].failed[0].found.find("user namespace") != std::string::npos);
}

TEST_CASE("a denial names the rule that denies, and suggests no other") {
    Explanation out =
        explained(kReads + rule_text("effect = \"deny\"\nsecrets = \"**/DB_PASSWORD\"", "no"), kCheckout);
    CHECK_FALSE(out.allow);
    REQUIRE(out.rule);
    CHECK(out.rule->name == "no");
    CHECK_FALSE(out.draft);
    CHECK(out.advice.find("\"no\" (p.toml:6:1)") != std::string::npos);
}

TEST_CASE("a tracer or an age that refuses names the rule whose limit it is") {
    Caller traced = kCheckout;
    traced.tracer = 9;
    Explanation out = explained(kReads, traced);
    CHECK(out.reason == "the process is being traced");
    REQUIRE(out.rule);
    CHECK(out.rule->name == "reads");
    CHECK(keys_of(out.nearest[0]) == Keys{"traced"});
    CHECK_FALSE(out.draft);

    Caller old = kCheckout;
    old.start_ticks = 100 * static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    out = explained(kReads + "within = \"30s\"\n", old, kDbPassword, {seconds(131), nullptr});
    CHECK(out.reason.find("within") != std::string::npos);
    REQUIRE(out.rule);
    CHECK(keys_of(out.nearest[0]) == Keys{"within"});
    CHECK(out.nearest[0].failed[0].found == "31 s");
    CHECK(explained(kReads + "within = \"30s\"\n", old, kDbPassword, {seconds(130), nullptr}).allow);
}

TEST_CASE("where only the hash of the program is another, no rule without it is suggested") {
    std::string text = kReads + "sha256 = \"" + std::string(64, 'a') + "\"\n";
    Caller who = kCheckout;
    Explanation out = explained(text, who);
    CHECK_FALSE(out.draft);
    CHECK(out.advice.find("not known here") != std::string::npos);
    who.sha256 = *Hash::parse(std::string(64, 'b'));
    out = explained(text, who);
    CHECK_FALSE(out.draft);
    CHECK(out.advice.find(std::string(64, 'b')) != std::string::npos);
    who.ids.fsuid = 1001;
    CHECK(explained(text, who).draft);
}

TEST_CASE("the suggested rule, added to the policy, allows this caller this secret and nobody else") {
    Caller who = caller_in("/system.slice/billing.service", 1001);
    Explanation out = explained(kReads, who);
    REQUIRE(out.draft);
    auto after = parse_policy(kReads + out.draft->toml());
    auto decide = [&](const Caller& caller, const SecretPath& path) {
        return entitle(after, caller).decide(path).allow;
    };
    CHECK(decide(who, kDbPassword));
    CHECK_FALSE(decide(who, {"acme", "checkout", "production", "OTHER"}));
    CHECK_FALSE(decide(caller_in("/system.slice/billing.service", 1002), kDbPassword));
    CHECK_FALSE(decide(caller_in("/system.slice/other.service", 1001), kDbPassword));
}

TEST_CASE("a suggested rule has a name that the policy has not") {
    Caller who = caller_in("/system.slice/billing.service", 0);
    Explanation first = explained("", who);
    REQUIRE(first.draft);
    std::string text = rule_text("secrets = \"x/**\"\nuid = 1", first.draft->name);
    Explanation second = explained(text, who);
    REQUIRE(second.draft);
    CHECK(second.draft->name != first.draft->name);
    CHECK(parse_policy(text + second.draft->toml())->rules().size() == 2);
}

TEST_CASE("a rule is suggested for the longest names too") {
    const std::string name(64, 'n'), key(128, 'K');
    const Caller who = caller_in("/user.slice/session-3.scope", 1001, "/opt/" + std::string(255, 'p'));
    Explanation out = explained("", who, {name, name, name, key});
    REQUIRE(out.draft);
    CHECK(parse_policy(out.draft->toml())->rules().size() == 1);
}

TEST_CASE("a path that no secret can have is refused") {
    CHECK(read_secret_path("acme/checkout/production/KEY"));
    for (std::string_view bad : {"", "acme", "acme/a/b", "acme/a/b/c/d", "acme/*/b/KEY", "acme//b/KEY",
                                 "acme/a/b/", "/acme/a/b/KEY", "acme/a/b/.KEY", "acme/a/../KEY"})
        CHECK_FALSE(read_secret_path(bad));
}

TEST_CASE("a record is explained as it was decided where it does not hold what decided") {
    // A supplementary group, a tracer, the age and the number of opens are in no record.
    struct Case {
        std::string policy;
        std::string_view rule, reason;
    };
    const std::string limited = "secrets = \"acme/**\"\nuid = 1000\n";
    for (const Case& one : std::vector<Case>{
             {kReads + rule_text("effect = \"deny\"\nsecrets = \"acme/**\"\ngid = 77", "no"), "no",
              "a rule denies it"},
             {kReads, "", "the process is being traced"},
             {rule_text(limited + "within = \"1s\""), "", "the process is older than the rule's `within`"},
             {rule_text(limited + "max_opens = 1"), "", "the rule's max_opens is used up"},
             {rule_text(limited + "slice = \"system.slice\""), "", "the process is being traced"},
             {kReads, "", "expired"},
             {kReads, "", "splice, sendfile or mmap"},
             {rule_text(limited + "exe = \"/usr/bin/app\""), "", "no rule allows it"}}) {
        INFO(one.policy << one.reason);
        auto out =
            explain_record(parse_policy(one.policy),
                           audit_record(kCheckout, false, path_text(kDbPassword), one.rule, one.reason));
        REQUIRE(out);
        CHECK(out->agrees);
        CHECK_FALSE(out->today.allow);
        CHECK(out->today.reason == one.reason);
        CHECK(out->today.draft.has_value() == (one.reason == "no rule allows it"));
        CHECK_FALSE(out->today.advice.empty());
    }
}

TEST_CASE("a record that today's policy decides alike keeps the rule that decided") {
    std::string text =
        rule_text("secrets = \"acme/**\"\nuid = 1000\nexe = \"/usr/bin/app\"", "by program") + kReads;
    auto out = explain_record(parse_policy(text),
                              audit_record(kCheckout, true, path_text(kDbPassword), "by program"));
    REQUIRE(out);
    CHECK(out->agrees);
    REQUIRE(out->today.rule);
    CHECK(out->today.rule->name == "by program");
}

TEST_CASE("a record that today's policy decides otherwise is said to differ") {
    auto out = explain_record(parse_policy(kReads), audit_record(kCheckout, false, path_text(kDbPassword)));
    REQUIRE(out);
    CHECK_FALSE(out->agrees);
    CHECK(out->today.allow);
    CHECK(out->difference.find("changed since") != std::string::npos);
    out = explain_record(parse_policy(""), audit_record(kCheckout, true, path_text(kDbPassword), "reads"));
    REQUIRE(out);
    CHECK_FALSE(out->agrees);
    CHECK_FALSE(out->today.allow);
}

// ---- random policies and callers

namespace {

class Dice {
  public:
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    bool one_in(unsigned many) { return below(many) == 0; }
    std::string pick(std::vector<std::string> choices) {
        return choices[below(static_cast<unsigned>(choices.size()))];
    }

  private:
    std::mt19937 random_{20261121};
};

std::string random_policy(Dice& dice) {
    std::string text;
    for (unsigned i = 0, count = 1 + dice.below(4); i < count; ++i) {
        std::string lines =
            "secrets = \"" + dice.pick({"acme/**", "acme/a/*/*", "acme/a/b/K", "other/**"}) + "\"\n";
        bool deny = dice.one_in(5);
        if (deny) lines += "effect = \"deny\"\n";
        if (dice.one_in(2) || !deny) lines += "uid = " + dice.pick({"1000", "[1000, 1001]", "1002"}) + "\n";
        if (dice.one_in(4)) lines += "gid = " + dice.pick({"50", "1000"}) + "\n";
        if (dice.one_in(3))
            lines += "unit = \"" + dice.pick({"a.service", "*.service", "b.service"}) + "\"\n";
        if (dice.one_in(4)) lines += "slice = \"" + dice.pick({"system.slice", "s.slice"}) + "\"\n";
        if (dice.one_in(4) && lines.find("uid =") != std::string::npos)
            lines += "exe = \"" + dice.pick({"/usr/bin/app", "/usr/bin/*"}) + "\"\n";
        if (dice.one_in(5) && lines.find("uid =") != std::string::npos)
            lines += "sha256 = \"" + std::string(64, dice.one_in(2) ? 'a' : 'b') + "\"\n";
        if (!deny && dice.one_in(4)) lines += "traced = true\n";
        if (!deny && dice.one_in(4)) lines += "within = \"10s\"\n";
        text += rule_text(lines, concat("r", i));
    }
    return text;
}

Caller random_caller(Dice& dice) {
    Caller who = caller_in(
        dice.pick({"/system.slice/a.service", "/system.slice/b.service", "/s.slice/a.service", "/"}),
        1000 + dice.below(3), dice.pick({"/usr/bin/app", "/usr/bin/b", ""}));
    if (dice.one_in(2)) who.groups = {50};
    if (dice.one_in(5)) who.tracer = 3;
    if (dice.one_in(2)) who.sha256 = *Hash::parse(std::string(64, dice.one_in(2) ? 'a' : 'b'));
    who.foreign_user_namespace = dice.one_in(5);
    return who;
}

}  // namespace

TEST_CASE("what is explained is what is decided, for random policies and callers") {
    Dice dice;
    int allowed = 0, refused = 0, drafts = 0;
    for (int i = 0; i < 4000; ++i) {
        std::string text = random_policy(dice);
        auto policy = parse_policy(text);
        Caller who = random_caller(dice);
        std::string key = dice.pick({"acme/a/b/K", "acme/a/c/K", "acme/x/y/Z"});
        SecretPath path = *read_secret_path(key);
        Circumstances now{seconds(dice.pick({"5", "20"}) == "5" ? 5 : 20), nullptr};
        Decision decision = entitle(policy, who).decide(path, now);
        (decision.allow ? allowed : refused) += 1;

        bool any = false, denied = false;
        for (const Rule& rule : policy->rules()) {
            bool names = failed_keys(rule, who, path, now, Unseen::nothing).empty();
            (rule.allow ? any : denied) |= names;
        }
        INFO(text << key);
        REQUIRE(decision.allow == (any && !denied));
        Explanation out = explain(policy, who, path, now);
        REQUIRE(out.allow == decision.allow);
        REQUIRE((decision.rule.empty() || (out.rule && out.rule->name == decision.rule)));
        auto again =
            explain_record(policy, audit_record(who, decision.allow, key, decision.rule, decision.reason));
        REQUIRE(again);
        REQUIRE(again->agrees);
        REQUIRE(again->today.reason == decision.reason);
        if (decision.reason == "no rule allows it") {
            REQUIRE(out.draft.has_value() == out.advice.empty());
            if (!out.draft) continue;
            ++drafts;
            Caller calm = who;
            calm.tracer = 0;
            REQUIRE(entitle(parse_policy(text + out.draft->toml()), calm).decide(path).allow);
        }
    }
    CHECK(allowed > 300);
    CHECK(refused > 1000);
    CHECK(drafts > 1000);
}
