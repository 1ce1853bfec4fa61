// SPDX-License-Identifier: Apache-2.0
//
// Everybody at once: readers of several users, strangers, writers, reloads and rotations; and at the end
// every opening is on record.
#include <sys/resource.h>

#include "audit_count.h"
#include "daemon_use.h"
#include "nuisance.h"
#include "support/readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const Who kDave{60005, 60005}, kErin{60006, 60006};
const std::vector<Who> kReading = {kAlice, kBob, kDave, kErin};

std::string secret_of(const Who& who) {
    return concat("acme/checkout/production/KEY", who.uid);
}

// A rule for each reader; another text each time, so that each is a new policy.
std::string policy(int edition) {
    std::string out = concat("# ", edition, '\n');
    for (const Who& who : kReading) out += allow(who, secret_of(who));
    return out;
}

// What is open at most, where each process has one file open at a time: that, and the one before it, which
// the kernel may have told the daemon of after its next.
constexpr std::uint64_t most_open(std::uint64_t processes) {
    return 2 * processes;
}

std::uint64_t policies(const MountedStore& mounted) {
    return status_of(mounted)["policy_loads"];
}

}  // namespace

TEST_CASE(
    "64 readers, strangers, commits, reloads and rotations at once: no read fails and none goes unrecorded") {
    INFO("COFFER_TEST_SEED=" << seed());
    const int commits = by_form(500, 10000), reloads = by_form(100, 1000), per_user = 16;
    MountedStore mounted(policy(0));
    for (const Who& who : kReading) mounted.set(secret_of(who), "value 0");
    mounted.start();
    const DaemonUse start = DaemonUse::of(mounted.daemon());
    std::set<std::string> values;
    for (int i = 0; i <= commits; ++i) values.insert(concat("value ", i));
    AuditFiles audit(mounted);
    std::uint64_t reads = 0, failed = 0, wrong = 0, open = 0;
    {
        std::vector<std::unique_ptr<Readers>> readers;
        for (const Who& who : kReading)
            readers.push_back(std::make_unique<Readers>(per_user, who, mounted.path(secret_of(who)), values));
        Nuisances strangers;
        add_strangers(strangers, kCarol, mounted, secret_of(kAlice));
        std::uint64_t loaded = policies(mounted);
        for (int i = 1; i <= commits; ++i) {
            const Who& who = kReading[static_cast<std::size_t>(i) % kReading.size()];
            mounted.set(secret_of(who), concat("value ", i));
            mounted.set(concat("acme/checkout/growing/N", i), "one more");
            if (i % (commits / reloads) == 0) {
                mounted.write_policy(policy(i));
                mounted.signal(SIGHUP);
                REQUIRE(soon([&] { return policies(mounted) > loaded; }));
                loaded = policies(mounted);
            }
            if (i % (commits / 5) == 0) audit.rotate();
            if (i % 50 == 0) open = std::max<std::uint64_t>(open, status_of(mounted)["open_files"]);
        }
        for (const auto& one : readers) {
            CHECK(one->stop() == 0);
            INFO("the last errno " << one->counts().last_error);
            CHECK(one->counts().failed == 0);
            CHECK(one->counts().wrong == 0);
            CHECK(one->counts().good > 0);
            reads += one->counts().good;
            failed += one->counts().failed;
            wrong += one->counts().wrong;
        }
        strangers.stop();
        CHECK(strangers.wrong() == 0);
        std::printf(
            "FIGURE: load: requests of strangers beside the readers: %llu, answered otherwise than they have "
            "to be: %llu\n",
            static_cast<unsigned long long>(strangers.done()),
            static_cast<unsigned long long>(strangers.wrong()));
    }
    CHECK(open <= most_open(per_user * kReading.size() + 8));  // strangers, and who asks
    const std::uint64_t before = reads;
    int live = 0;
    for (int i = commits - 3; i <= commits; ++i) {
        const Who& who = kReading[static_cast<std::size_t>(i) % kReading.size()];
        if (soon([&] {
                ++reads;
                return read_as(who, mounted.path(secret_of(who))).text == concat("value ", i);
            }))
            ++live;
    }
    CHECK(live == 4);
    const long newcomers_before = static_cast<long>(status_of(mounted)["opens"]);
    CHECK(descriptors_settle(mounted, kCarol, mounted.path(secret_of(kAlice)), start.descriptors + 12));
    const DaemonUse after = DaemonUse::of(mounted.daemon());
    CHECK(after.threads == start.threads);
    CHECK(newcomers_before > 0);
    end_well(mounted);
    // Readers and the last four of this process: neither more nor fewer.
    std::vector<uid_t> users;
    for (const Who& who : kReading) users.push_back(who.uid);
    const std::uint64_t recorded = audit.opened_by(users);
    CHECK(recorded == reads);
    CHECK(audit.verifies());
    CHECK(run_tool({"coffer", "verify", "--config", mounted.config.file}).status == 0);
    std::printf(
        "FIGURE: load: reads by 64 readers of 4 users: %llu, failed %llu, wrong %llu; open at once at most "
        "%llu files; commits meanwhile: %d, reloads of the policy: %d, rotations of the audit: %zu\n",
        static_cast<unsigned long long>(before), static_cast<unsigned long long>(failed),
        static_cast<unsigned long long>(wrong), static_cast<unsigned long long>(open), 2 * commits, reloads,
        audit.rotations());
    std::printf("FIGURE: load: openings made: %llu, on record: %llu\n",
                static_cast<unsigned long long>(reads), static_cast<unsigned long long>(recorded));
    std::printf(
        "FIGURE: load: daemon under that crowd: resident %ld KiB, was %ld; descriptors %ld, was %ld; threads "
        "%ld, was %ld\n",
        after.resident, start.resident, after.descriptors, start.descriptors, after.threads, start.threads);
}
