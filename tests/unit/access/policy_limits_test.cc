// SPDX-License-Identifier: Apache-2.0
//
// What narrows a rule beyond who the caller is: captures, hashes, tracers, time and counts.
#include <unistd.h>

#include "access/policy/open_counts.h"
#include "access/policy/policy.h"
#include "support/policy_case.h"
#include "support/puppet.h"

using namespace coffer;
using coffer::test::kDbPassword;
using coffer::test::parse_policy;
using coffer::test::Puppet;
using coffer::test::rule_text;
using std::chrono::seconds;

namespace {

Caller caller(std::string_view cgroup = "/system.slice/checkout.service", uid_t uid = 1000) {
    Caller out = coffer::test::caller_in(cgroup, uid);
    out.start_ticks = 100 * static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));  // 100 s after boot
    return out;
}

const std::string kHash = std::string(62, 'a') + "42";

bool allows(const std::string& text, const Caller& who, const SecretPath& path = kDbPassword) {
    return entitle(parse_policy(text), who).decide(path).allow;
}

}  // namespace

TEST_CASE("a capture is the same in the slice and in the secrets") {
    std::string text =
        rule_text("secrets = \"acme/{project}/{domain}/*\"\nslice = \"coffer-{project}-{domain}.slice\"");
    Caller task = caller("/coffer.slice/coffer-checkout.slice/coffer-checkout-production.slice/run-1.scope");
    CHECK(task.cgroup.slice == "coffer-checkout-production.slice");
    CHECK(allows(text, task));
    CHECK_FALSE(allows(text, task, {"acme", "billing", "production", "DB_PASSWORD"}));
    CHECK_FALSE(allows(text, task, {"acme", "checkout", "staging", "DB_PASSWORD"}));
    CHECK_FALSE(allows(text, task, {"other", "checkout", "production", "DB_PASSWORD"}));
    auto entitlement = entitle(parse_policy(text), task);
    CHECK(entitlement.may_see({"acme", "checkout", "production"}));
    CHECK_FALSE(entitlement.may_see({"acme", "billing", {}}));
}

TEST_CASE("a dash in a slice separates levels, and a name's own dash is escaped") {
    std::string text =
        rule_text("secrets = \"acme/{project}/{domain}/*\"\nslice = \"coffer-{project}-{domain}.slice\"");
    auto allowed = [&](std::string_view slice, std::string_view project, std::string_view domain) {
        return allows(text, caller(concat('/', slice, "/run-1.scope")), {"acme", project, domain, "KEY"});
    };
    CHECK(allowed("coffer-a\\x2db-c.slice", "a-b", "c"));
    CHECK(allowed("coffer-a-b\\x2dc.slice", "a", "b-c"));
    for (std::string_view project : {"a", "a-b"}) {
        for (std::string_view domain : {"b-c", "c"})
            CHECK_FALSE(allowed("coffer-a-b-c.slice", project, domain));
    }
    CHECK_FALSE(allowed("coffer-a-.slice", "a", ""));
    // What no name may have matches nothing, and is never taken for a pattern or a path.
    CHECK_FALSE(allowed("coffer-a-\\x2a.slice", "a", "anything"));
    CHECK_FALSE(allowed("coffer-a-*.slice", "a", "anything"));
    CHECK_FALSE(allowed("coffer-a-\\x2e\\x2e.slice", "a", ".."));
    CHECK_FALSE(allowed("coffer-a-b\\x2fc.slice", "a", "b"));
}

TEST_CASE("a capture in a unit may have dashes, and stops where the pattern goes on") {
    std::string text = rule_text("secrets = \"acme/checkout/*/{what}_*\"\nunit = \"check-{what}@1.service\"");
    CHECK(allows(text, caller("/system.slice/check-DB@1.service")));
    CHECK_FALSE(allows(text, caller("/system.slice/check-API@1.service")));
    CHECK_FALSE(allows(text, caller("/system.slice/check-DB@2.service")));
    CHECK_FALSE(allows(text, caller("/system.slice/check-DB@x@1.service")));
    CHECK(allows(rule_text("secrets = \"acme/{project}/*/*\"\nunit = \"{project}.service\""),
                 caller("/system.slice/my-shop.service"), {"acme", "my-shop", "x", "KEY"}));
}

TEST_CASE("one capture in two selectors has one value") {
    std::string text = rule_text(
        "secrets = \"acme/{p}/*/*\"\nslice = \"t-{p}.slice\"\nunit = [\"{p}.service\", \"{p}.scope\"]");
    CHECK(allows(text, caller("/t.slice/t-checkout.slice/checkout.service")));
    CHECK(allows(text, caller("/t.slice/t-checkout.slice/checkout.scope")));
    CHECK_FALSE(allows(text, caller("/t.slice/t-checkout.slice/billing.service")));
    CHECK_FALSE(allows(text, caller("/t.slice/t-billing.slice/checkout.service")));
}

TEST_CASE("alternatives that match in two ways allow both") {
    std::string text = rule_text("secrets = \"acme/{p}/*/*\"\nunit = [\"{p}-a.service\", \"x-{p}.service\"]");
    Caller who = caller("/system.slice/x-a.service");
    CHECK(allows(text, who, {"acme", "x", "d", "K"}));
    CHECK(allows(text, who, {"acme", "a", "d", "K"}));
    CHECK_FALSE(allows(text, who, {"acme", "b", "d", "K"}));
}

TEST_CASE("a deny with a capture denies what it captured, and says beforehand what it rests on") {
    std::string text =
        rule_text("secrets = \"acme/**\"\nuid = 1000", "all") +
        rule_text("effect = \"deny\"\nsecrets = \"acme/{p}/*/*\"\nunit = \"no-{p}.service\"", "no");
    CHECK_FALSE(allows(text, caller("/system.slice/no-checkout.service")));
    CHECK(allows(text, caller("/system.slice/no-billing.service")));
    CHECK(entitle(parse_policy(text), caller()).decide(kDbPassword).rests_on == Facts::place);
}

TEST_CASE("a hash is asked for only where all else matches, and decides when it is known") {
    std::string text = rule_text("secrets = \"acme/**\"\nuid = 1000\nsha256 = \"" + kHash + "\"");
    Caller who = caller();
    CHECK(entitle(parse_policy(text), who).wants_sha256());
    CHECK_FALSE(allows(text, who));
    CHECK_FALSE(entitle(parse_policy(text), caller("/", 1001)).wants_sha256());
    who.sha256 = Hash::parse(kHash).value();
    CHECK(allows(text, who));
    CHECK_FALSE(entitle(parse_policy(text), who).wants_sha256());
    who.foreign_user_namespace = true;
    CHECK_FALSE(allows(text, who));
    who = caller();
    who.sha256 = Hash::parse(std::string(64, '0')).value();
    CHECK_FALSE(allows(text, who));
}

TEST_CASE("a deny by hash holds also while the hash is not known") {
    std::string text =
        rule_text("secrets = \"acme/**\"\nuid = 1000", "all") +
        rule_text("effect = \"deny\"\nsecrets = \"acme/**\"\nuid = 1000\nsha256 = \"" + kHash + "\"", "no");
    Caller who = caller();
    CHECK_FALSE(allows(text, who));
    who.sha256 = Hash::parse(std::string(64, '0')).value();
    CHECK(allows(text, who));
    who.sha256 = Hash::parse(kHash).value();
    CHECK_FALSE(allows(text, who));
}

TEST_CASE("a traced caller is refused, unless the rule says traced") {
    std::string plain = rule_text("secrets = \"acme/**\"\nuid = 1000", "plain");
    std::string traced = rule_text("secrets = \"acme/*/*/DB_*\"\nuid = 1000\ntraced = true", "traced");
    Caller who = caller();
    who.tracer = 4711;
    auto decision = entitle(parse_policy(plain), who).decide(kDbPassword);
    CHECK_FALSE(decision.allow);
    CHECK(decision.reason == "the process is being traced");
    CHECK(entitle(parse_policy(plain + traced), who).decide(kDbPassword).rule == "traced");
    CHECK_FALSE(allows(plain + traced, who, {"acme", "checkout", "production", "OTHER"}));
    CHECK_FALSE(allows(traced + rule_text("effect = \"deny\"\nsecrets = \"acme/**\"", "no"), who));
}

TEST_CASE("within counts from the start of the process") {
    auto policy = parse_policy(rule_text("secrets = \"acme/**\"\nuid = 1000\nwithin = \"30s\""));
    auto entitlement = entitle(policy, caller());  // started 100 s after the boot
    CHECK(entitlement.decide(kDbPassword, {seconds(100), nullptr}).allow);
    CHECK(entitlement.decide(kDbPassword, {seconds(130), nullptr}).allow);
    auto late = entitlement.decide(kDbPassword, {seconds(131), nullptr});
    CHECK_FALSE(late.allow);
    CHECK(late.reason == "the process is older than the rule's `within`");
    auto minutes =
        entitle(parse_policy(rule_text("secrets = \"acme/**\"\nuid = 1000\nwithin = \"2m\"")), caller());
    CHECK(minutes.decide(kDbPassword, {seconds(220), nullptr}).allow);
    CHECK_FALSE(minutes.decide(kDbPassword, {seconds(221), nullptr}).allow);
}

TEST_CASE("max_opens is of a process, and of an invocation where the rule names units") {
    OpenCounts counts;
    auto open = [&](const std::shared_ptr<const Policy>& policy, const Caller& who) {
        auto entitlement = entitle(policy, who);
        auto decision = entitlement.decide(kDbPassword, {seconds(0), &counts});
        return decision.allow && counts.take(decision.rule, decision.limit.subject, decision.limit.max_opens);
    };
    auto by_user = parse_policy(rule_text("secrets = \"acme/**\"\nuid = 1000\nmax_opens = 2", "by user"));
    Caller one = caller(), two = caller();
    two.tgid = 101;
    CHECK(open(by_user, one));
    CHECK(open(by_user, one));
    CHECK_FALSE(open(by_user, one));
    CHECK(entitle(by_user, one).decide(kDbPassword, {seconds(0), &counts}).reason ==
          "the rule's max_opens is used up");
    CHECK(open(by_user, two));
    one.start_ticks += 1;  // a later process of the same number
    CHECK(open(by_user, one));

    auto by_unit = parse_policy(
        rule_text("secrets = \"acme/**\"\nunit = \"checkout.service\"\nmax_opens = 1", "by unit"));
    one.invocation_id = two.invocation_id = "1111";
    CHECK(open(by_unit, one));
    CHECK_FALSE(open(by_unit, two));
    two.invocation_id = "2222";
    CHECK(open(by_unit, two));
}

TEST_CASE("a rule whose limit is used up leaves the others as they are") {
    OpenCounts counts;
    auto policy =
        parse_policy(rule_text("secrets = \"acme/**\"\nuid = 1000\nmax_opens = 1\nmode = \"0444\"", "once") +
                     rule_text("secrets = \"acme/*/*/DB_*\"\nuid = 1000", "always"));
    auto entitlement = entitle(policy, caller());
    auto first = entitlement.decide(kDbPassword, {seconds(0), &counts});
    CHECK(first.rule == "once");
    CHECK(counts.take(first.rule, first.limit.subject, first.limit.max_opens));
    auto second = entitlement.decide(kDbPassword, {seconds(0), &counts});
    CHECK(second.rule == "always");
    CHECK(second.limit.max_opens == 0);
    CHECK(second.presentation.mode == 0400);
}

TEST_CASE("what cannot be counted is refused, and dead processes make room") {
    OpenCounts counts;
    Puppet living;
    for (std::size_t i = 0; i < OpenCounts::kMaxSubjects; ++i)
        REQUIRE(counts.take("rule", concat("invocation unit ", i), 1));
    CHECK_FALSE(counts.take("rule", concat("process ", living.pid(), " 1"), 1));
    CHECK(counts.take("another rule", concat("process ", living.pid(), " 1"), 1));

    OpenCounts of_dead;
    for (std::size_t i = 0; i < OpenCounts::kMaxSubjects; ++i)  // that number was never given out
        REQUIRE(of_dead.take("rule", concat("process ", 1'000'000'000 + i, " 1"), 1));
    CHECK(of_dead.take("rule", "process 1 1", 1));
    CHECK(of_dead.count("rule", "process 1000000000 1") == 0);
}

TEST_CASE("systemd's loader of credentials counts as the unit's user where the rule says so") {
    std::string lines =
        "secrets = \"acme/**\"\nunit = \"checkout.service\"\nuser = \"nobody\"\nexe = \"/usr/bin/app\"";
    Caller loader = caller("/system.slice/checkout.service", 0);
    loader.exe.path = "/usr/lib/systemd/systemd";
    loader.credential_loader = true;
    CHECK_FALSE(allows(rule_text(lines), loader));
    CHECK(allows(rule_text(lines + "\ncredential = true"), loader));
    loader.credential_loader = false;  // another process of root in the unit
    CHECK_FALSE(allows(rule_text(lines + "\ncredential = true"), loader));
    loader = caller("/system.slice/other.service", 0);
    loader.credential_loader = true;
    CHECK_FALSE(allows(rule_text(lines + "\ncredential = true"), loader));
}

TEST_CASE("a credential is the secret of that KEY in the directory that a rule for credentials names") {
    Caller loader = caller("/system.slice/system-shop.slice/shop@berlin.service", 0);
    loader.credential_loader = true;
    auto found = [&](const std::string& text, std::string_view key) {
        auto entitlement = entitle(parse_policy(text), loader);
        std::string out;
        for (const SecretPath& one : entitlement.credentials(key))
            out += concat(out.empty() ? "" : " ", one.org, '/', one.project, '/', one.domain, '/', one.key);
        return out;
    };
    const std::string unit = "\nunit = \"shop@{shop}.service\"\nuid = 1000\ncredential = true";
    const std::string shops = rule_text("secrets = \"acme/{shop}/production/*\"" + unit);
    CHECK(found(shops, "DB_PASSWORD") == "acme/berlin/production/DB_PASSWORD");
    // Said twice, it is one secret still; in two directories it is two.
    CHECK(found(shops + rule_text("secrets = \"acme/{shop}/production/DB_*\"" + unit, "s"), "DB_PASSWORD") ==
          "acme/berlin/production/DB_PASSWORD");
    const std::string two = shops + rule_text("secrets = \"acme/{shop}/staging/DB_*\"" + unit, "s");
    CHECK(found(two, "DB_PASSWORD") == "acme/berlin/production/DB_PASSWORD acme/berlin/staging/DB_PASSWORD");
    CHECK(found(two, "TLS_KEY") == "acme/berlin/production/TLS_KEY");
}

TEST_CASE("rules that name no directory, deny, are for others or not for credentials give none") {
    Caller loader = caller("/system.slice/checkout.service", 0);
    loader.credential_loader = true;
    auto gives = [&](std::string_view lines) {
        auto entitlement = entitle(parse_policy(rule_text(lines)), loader);
        return !entitlement.credentials("DB_PASSWORD").empty();
    };
    const std::string unit = "\nunit = \"checkout.service\"";
    CHECK(gives("secrets = \"acme/checkout/production/DB_PASSWORD\"\ncredential = true" + unit));
    CHECK_FALSE(gives("secrets = \"acme/checkout/production/OTHER\"\ncredential = true" + unit));
    CHECK_FALSE(gives("secrets = \"acme/*/production/DB_PASSWORD\"\ncredential = true" + unit));
    CHECK_FALSE(gives("secrets = \"acme/**\"\ncredential = true" + unit));
    CHECK_FALSE(gives("secrets = \"acme/checkout/production/DB_PASSWORD\"" + unit));
    CHECK_FALSE(
        gives("secrets = \"acme/checkout/production/*\"\ncredential = true\nunit = \"other.service\""));
    CHECK_FALSE(gives("secrets = \"acme/checkout/production/*\"\neffect = \"deny\"" + unit));
}
