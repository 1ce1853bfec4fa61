// SPDX-License-Identifier: Apache-2.0
//
// What the daemon refuses is explained from its audit log as it was decided, and what is learnt from the log
// makes it serve: no more than that.
#include "access/advice/policy_explain.h"
#include "access/advice/policy_learn.h"
#include "access/audit/audit_chain.h"
#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kScope = "acme/checkout/production/";
constexpr gid_t kBanned = 60011;

std::string policy_text() {
    // Alice may read something beside it: whom no rule lets see a folder is turned away there, unrecorded.
    return allow(kBob, "acme/**") + allow(kAlice, concat(kScope, "OWN")) +
           "[[rule]]\nname = \"no\"\neffect = \"deny\"\nsecrets = \"**/ROOT_KEY\"\ngid = 60011\n" +
           allow(kCarol, concat(kScope, "BY_PROGRAM"), "exe = \"/usr/bin/other\"");
}

std::vector<AuditRecord> records_of(const MountedStore& mounted) {
    REQUIRE(verify_audit(mounted.audit()));
    return must(read_audit_records(mounted.audit()));
}

}  // namespace

TEST_CASE("each refusal of the daemon's log is explained as it was decided") {
    MountedStore mounted(policy_text());
    for (std::string_view key : {"DB_PASSWORD", "ROOT_KEY", "BY_PROGRAM", "OLD"})
        mounted.set(concat(kScope, key), "x", Visibility::masked, key == "OLD" ? 1 : 0);
    mounted.start();
    const Who banned{kBob.uid, kBob.gid, {kBanned}};
    CHECK_FALSE(read_as(kAlice, mounted.path(concat(kScope, "DB_PASSWORD"))).good());
    CHECK_FALSE(read_as(banned, mounted.path(concat(kScope, "ROOT_KEY"))).good());
    CHECK_FALSE(read_as(kCarol, mounted.path(concat(kScope, "BY_PROGRAM"))).good());
    CHECK_FALSE(read_as(kBob, mounted.path(concat(kScope, "OLD"))).good());
    CHECK(read_as(kBob, mounted.path(concat(kScope, "ROOT_KEY"))).good());
    mounted.stop();

    PolicySource source{"rules.toml", policy_text()};
    auto policy = must(Policy::parse({&source, 1}));
    std::set<std::string> refused;
    for (const AuditRecord& record : records_of(mounted)) {
        INFO(record.path << ": " << record.reason);
        auto explained = must(explain_record(policy, record));
        CHECK(explained.agrees);
        CHECK(explained.today.reason == record.reason);
        if (!record.allow) refused.insert(record.path);
    }
    for (std::string_view key : {"DB_PASSWORD", "ROOT_KEY", "BY_PROGRAM"})
        CHECK(refused.contains(concat(kScope, key)));
}

TEST_CASE("what was learnt from the daemon's log lets it serve what it refused, and nothing else") {
    MountedStore mounted(policy_text());
    for (std::string_view key : {"DB_PASSWORD", "OTHER"}) mounted.set(concat(kScope, key), "x");
    mounted.start();
    const auto wanted = mounted.path(concat(kScope, "DB_PASSWORD"));
    CHECK(read_as(kAlice, wanted).error == ENOENT);
    auto learnt = must(learn(records_of(mounted), {}));
    REQUIRE(learnt.rules.size() == 1);
    mounted.write_policy(policy_text() + learnt.toml());
    CHECK(soon([&] { return read_as(kAlice, wanted) == Outcome{0, "x"}; }));
    CHECK(read_as(kAlice, mounted.path(concat(kScope, "OTHER"))).error == ENOENT);
    CHECK(read_as(kCarol, wanted).error == ENOENT);
    mounted.stop();
}
