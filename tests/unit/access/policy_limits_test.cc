// SPDX-License-Identifier: Apache-2.0
//
// What narrows a rule beyond who the caller is: captures, hashes, tracers, time and counts.
#include <unistd.h>

#include "access/policy/open_counts.h"
#include "access/policy/policy.h"
#include "support/catch.h"
#include "support/puppet.h"

using namespace coffer;
using coffer::test::Puppet;
using std::chrono::seconds;

namespace {

std::shared_ptr<const Policy> parse(std::string text) {
    PolicySource source{"p.toml", std::move(text)};
    auto policy = Policy::parse({&source, 1});
    if (!policy) FAIL(policy.error().message);
    return *policy;
}

std::string rule(std::string_view lines, std::string_view name = "r") {
    return "[[rule]]\nname = \"" + std::string(name) + "\"\n" + std::string(lines) + "\n";
}

Caller caller(std::string_view cgroup = "/system.slice/checkout.service", uid_t uid = 1000) {
    Caller out;
    out.tid = out.tgid = 100;
    out.start_ticks = 100 * static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));  // 100 s after boot
    out.ids = {uid, uid, uid, uid, uid, uid, uid, uid};
    out.exe.path = "/usr/bin/app";
    out.cgroup = read_cgroup_path(cgroup);
    return out;
}

constexpr SecretPath kPath{"acme", "checkout", "production", "DB_PASSWORD"};
const std::string kHash = std::string(62, 'a') + "42";

bool allows(const std::string& text, const Caller& who, const SecretPath& path = kPath) {
    return entitle(parse(text), who).decide(path).allow;
}

}  // namespace

TEST_CASE("a capture is the same in the slice and in the secrets") {
    std::string text =
        rule("secrets = \"acme/{project}/{domain}/*\"\nslice = \"coffer-{project}-{domain}.slice\"");
    Caller task = caller("/coffer.slice/coffer-checkout.slice/coffer-checkout-production.slice/run-1.scope");
    CHECK(task.cgroup.slice == "coffer-checkout-production.slice");
    CHECK(allows(text, task));
    CHECK_FALSE(allows(text, task, {"acme", "billing", "production", "DB_PASSWORD"}));
    CHECK_FALSE(allows(text, task, {"acme", "checkout", "staging", "DB_PASSWORD"}));
    CHECK_FALSE(allows(text, task, {"other", "checkout", "production", "DB_PASSWORD"}));
    auto entitlement = entitle(parse(text), task);
    CHECK(entitlement.may_see({"acme", "checkout", "production"}));
    CHECK_FALSE(entitlement.may_see({"acme", "billing", {}}));
}

TEST_CASE("a dash in a slice separates levels, and a name's own dash is escaped") {
    std::string text =
        rule("secrets = \"acme/{project}/{domain}/*\"\nslice = \"coffer-{project}-{domain}.slice\"");
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
    std::string text = rule("secrets = \"acme/checkout/*/{what}_*\"\nunit = \"check-{what}@1.service\"");
    CHECK(allows(text, caller("/system.slice/check-DB@1.service")));
    CHECK_FALSE(allows(text, caller("/system.slice/check-API@1.service")));
    CHECK_FALSE(allows(text, caller("/system.slice/check-DB@2.service")));
    CHECK_FALSE(allows(text, caller("/system.slice/check-DB@x@1.service")));
    CHECK(allows(rule("secrets = \"acme/{project}/*/*\"\nunit = \"{project}.service\""),
                 caller("/system.slice/my-shop.service"), {"acme", "my-shop", "x", "KEY"}));
}

TEST_CASE("one capture in two selectors has one value") {
    std::string text =
        rule("secrets = \"acme/{p}/*/*\"\nslice = \"t-{p}.slice\"\nunit = [\"{p}.service\", \"{p}.scope\"]");
    CHECK(allows(text, caller("/t.slice/t-checkout.slice/checkout.service")));
    CHECK(allows(text, caller("/t.slice/t-checkout.slice/checkout.scope")));
    CHECK_FALSE(allows(text, caller("/t.slice/t-checkout.slice/billing.service")));
    CHECK_FALSE(allows(text, caller("/t.slice/t-billing.slice/checkout.service")));
}

TEST_CASE("alternatives that match in two ways allow both") {
    std::string text = rule("secrets = \"acme/{p}/*/*\"\nunit = [\"{p}-a.service\", \"x-{p}.service\"]");
    Caller who = caller("/system.slice/x-a.service");
    CHECK(allows(text, who, {"acme", "x", "d", "K"}));
    CHECK(allows(text, who, {"acme", "a", "d", "K"}));
    CHECK_FALSE(allows(text, who, {"acme", "b", "d", "K"}));
}

TEST_CASE("a deny with a capture denies what it captured, and says beforehand what it rests on") {
    std::string text = rule("secrets = \"acme/**\"\nuid = 1000", "all") +
                       rule("effect = \"deny\"\nsecrets = \"acme/{p}/*/*\"\nunit = \"no-{p}.service\"", "no");
    CHECK_FALSE(allows(text, caller("/system.slice/no-checkout.service")));
    CHECK(allows(text, caller("/system.slice/no-billing.service")));
    CHECK(entitle(parse(text), caller()).decide(kPath).rests_on == Facts::place);
}

TEST_CASE("a hash is asked for only where all else matches, and decides when it is known") {
    std::string text = rule("secrets = \"acme/**\"\nuid = 1000\nsha256 = \"" + kHash + "\"");
    Caller who = caller();
    CHECK(entitle(parse(text), who).wants_sha256());
    CHECK_FALSE(allows(text, who));
    CHECK_FALSE(entitle(parse(text), caller("/", 1001)).wants_sha256());
    who.sha256 = Hash::parse(kHash).value();
    CHECK(allows(text, who));
    CHECK_FALSE(entitle(parse(text), who).wants_sha256());
    who.foreign_user_namespace = true;
    CHECK_FALSE(allows(text, who));
    who = caller();
    who.sha256 = Hash::parse(std::string(64, '0')).value();
    CHECK_FALSE(allows(text, who));
}

TEST_CASE("a deny by hash holds also while the hash is not known") {
    std::string text =
        rule("secrets = \"acme/**\"\nuid = 1000", "all") +
        rule("effect = \"deny\"\nsecrets = \"acme/**\"\nuid = 1000\nsha256 = \"" + kHash + "\"", "no");
    Caller who = caller();
    CHECK_FALSE(allows(text, who));
    who.sha256 = Hash::parse(std::string(64, '0')).value();
    CHECK(allows(text, who));
    who.sha256 = Hash::parse(kHash).value();
    CHECK_FALSE(allows(text, who));
}

TEST_CASE("a traced caller is refused, unless the rule says traced") {
    std::string plain = rule("secrets = \"acme/**\"\nuid = 1000", "plain");
    std::string traced = rule("secrets = \"acme/*/*/DB_*\"\nuid = 1000\ntraced = true", "traced");
    Caller who = caller();
    who.tracer = 4711;
    auto decision = entitle(parse(plain), who).decide(kPath);
    CHECK_FALSE(decision.allow);
    CHECK(decision.reason == "the process is being traced");
    CHECK(entitle(parse(plain + traced), who).decide(kPath).rule == "traced");
    CHECK_FALSE(allows(plain + traced, who, {"acme", "checkout", "production", "OTHER"}));
    CHECK_FALSE(allows(traced + rule("effect = \"deny\"\nsecrets = \"acme/**\"", "no"), who));
}

TEST_CASE("within counts from the start of the process") {
    auto policy = parse(rule("secrets = \"acme/**\"\nuid = 1000\nwithin = \"30s\""));
    auto entitlement = entitle(policy, caller());  // started 100 s after the boot
    CHECK(entitlement.decide(kPath, {seconds(100), nullptr}).allow);
    CHECK(entitlement.decide(kPath, {seconds(130), nullptr}).allow);
    auto late = entitlement.decide(kPath, {seconds(131), nullptr});
    CHECK_FALSE(late.allow);
    CHECK(late.reason == "the process is older than the rule's `within`");
    auto minutes = entitle(parse(rule("secrets = \"acme/**\"\nuid = 1000\nwithin = \"2m\"")), caller());
    CHECK(minutes.decide(kPath, {seconds(220), nullptr}).allow);
    CHECK_FALSE(minutes.decide(kPath, {seconds(221), nullptr}).allow);
}

TEST_CASE("max_opens is of a process, and of an invocation where the rule names units") {
    OpenCounts counts;
    auto open = [&](const std::shared_ptr<const Policy>& policy, const Caller& who) {
        auto entitlement = entitle(policy, who);
        auto decision = entitlement.decide(kPath, {seconds(0), &counts});
        return decision.allow && counts.take(decision.rule, decision.limit.subject, decision.limit.max_opens);
    };
    auto by_user = parse(rule("secrets = \"acme/**\"\nuid = 1000\nmax_opens = 2", "by user"));
    Caller one = caller(), two = caller();
    two.tgid = 101;
    CHECK(open(by_user, one));
    CHECK(open(by_user, one));
    CHECK_FALSE(open(by_user, one));
    CHECK(entitle(by_user, one).decide(kPath, {seconds(0), &counts}).reason ==
          "the rule's max_opens is used up");
    CHECK(open(by_user, two));
    one.start_ticks += 1;  // a later process of the same number
    CHECK(open(by_user, one));

    auto by_unit =
        parse(rule("secrets = \"acme/**\"\nunit = \"checkout.service\"\nmax_opens = 1", "by unit"));
    one.invocation_id = two.invocation_id = "1111";
    CHECK(open(by_unit, one));
    CHECK_FALSE(open(by_unit, two));
    two.invocation_id = "2222";
    CHECK(open(by_unit, two));
}

TEST_CASE("a rule whose limit is used up leaves the others as they are") {
    OpenCounts counts;
    auto policy = parse(rule("secrets = \"acme/**\"\nuid = 1000\nmax_opens = 1\nmode = \"0444\"", "once") +
                        rule("secrets = \"acme/*/*/DB_*\"\nuid = 1000", "always"));
    auto entitlement = entitle(policy, caller());
    auto first = entitlement.decide(kPath, {seconds(0), &counts});
    CHECK(first.rule == "once");
    CHECK(counts.take(first.rule, first.limit.subject, first.limit.max_opens));
    auto second = entitlement.decide(kPath, {seconds(0), &counts});
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
    CHECK_FALSE(allows(rule(lines), loader));
    CHECK(allows(rule(lines + "\ncredential = true"), loader));
    loader.credential_loader = false;  // another process of root in the unit
    CHECK_FALSE(allows(rule(lines + "\ncredential = true"), loader));
    loader = caller("/system.slice/other.service", 0);
    loader.credential_loader = true;
    CHECK_FALSE(allows(rule(lines + "\ncredential = true"), loader));
}
