// SPDX-License-Identifier: Apache-2.0
//
// A rule on a group holds for as long as the caller is in the group. Only a privileged process can leave one
// and keep its ids, so the clients here are root's.
#include <grp.h>

#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr gid_t kGroup = 60010;
const Who kMember{0, 0, {kGroup}};
constexpr std::string_view kRule = "[[rule]]\nname = \"members\"\nsecrets = [\"acme/**\"]\ngid = 60010\n";

}  // namespace

TEST_CASE("who leaves a group can neither open nor read on what the group gave") {
    MountedStore mounted(kRule);
    mounted.set("acme/checkout/production/KEY", "for members");
    mounted.start();
    const auto key = mounted.path("acme/checkout/production/KEY");
    CHECK(read_as(kMember, key) == Outcome{0, "for members"});
    CHECK(read_as(kRoot, key).error == ENOENT);

    auto outcome = as(kMember, [&] {
        int held = open(key.c_str(), O_RDONLY | O_CLOEXEC);
        char byte = 0;
        if (held < 0 || pread(held, &byte, 1, 0) != 1) return failed();
        if (setgroups(0, nullptr) != 0) return failed();
        const int opened = read_path(key).error;
        const int read_on = pread(held, &byte, 1, 0) < 0 ? errno : 0;
        close(held);
        return Outcome{0, concat(opened, ' ', read_on)};
    });
    CHECK(outcome.text == concat(ENOENT, ' ', EACCES));
    mounted.stop();
}
