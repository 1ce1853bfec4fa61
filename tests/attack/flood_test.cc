// SPDX-License-Identifier: Apache-2.0
//
// One user takes all it can; another one still reads.
#include <sys/resource.h>

#include "explained.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// As Alice, opens the file until it fails: how often it went well.
int open_until_refused(const std::filesystem::path& path, int& error) {
    const rlimit many{20000, 20000};
    if (setrlimit(RLIMIT_NOFILE, &many) != 0 || !become(kAlice)) return -1;
    int count = 0;
    while (open(path.c_str(), O_RDONLY | O_CLOEXEC) >= 0) ++count;
    error = errno;
    return count;
}

}  // namespace

TEST_CASE(
    "a user who holds its limit of open files gets EMFILE, is on record, and keeps nobody from reading") {
    const int limit = GENERATE(5, 10000);
    MountedStore mounted(alice_alone() + allow(kCarol, kKey), [&](Config& config) {
        config.max_open_per_uid = static_cast<std::uint32_t>(limit);
    });
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    int error = 0;
    Puppet alice({[&] { return open_until_refused(key, error); }, [&] { return error; },
                  [&] { return read_path(key).error; }});
    CHECK(alice.act(0) == limit);
    CHECK(alice.act(1) == EMFILE);
    CHECK(alice.act(2) == EMFILE);
    CHECK(is_on_record(mounted, {{}, alice.pid(), alice.pid(), kAlice.uid, own_program()}, "open"));
    CHECK(read_as(kAlice, key).error == EMFILE);  // the limit is the user's, not the process's
    CHECK(read_as(kCarol, key).text == kValue);
    CHECK(read_as(kRoot, mounted.path(".coffer/status.json")).good());
    check_foiled(mounted, attack_as(kBob, [&] { return read_path(key); }), ENOENT, "lookup");
    alice.kill();
    CHECK(soon([&] { return read_as(kAlice, key).text == kValue; }));  // its handles are gone
    end(mounted);
}

TEST_CASE("users with no rule at all take no handle, however often they ask") {
    MountedStore mounted(alice_alone(), [](Config& config) {
        config.max_open = 4;
        config.max_open_per_uid = 4;
    });
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    Attack attack = attack_as(kBob, [&] {
        for (int i = 0; i < 2000; ++i) {
            Outcome seen = read_path(key);
            if (seen.error != ENOENT) return seen;
        }
        return failed(ENOENT);
    });
    check_foiled(mounted, attack, ENOENT, "lookup");
    // Repeats are counted, and fill no disk.
    CHECK(count_records(mounted.audit(), [&](const AuditRecord& one) { return one.tgid == attack.tgid; }) <
          200);
    CHECK(read_as(kAlice, key).text == kValue);
    end(mounted);
}
