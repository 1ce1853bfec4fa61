// SPDX-License-Identifier: Apache-2.0
#include "base/mount_table.h"

#include "support/catch.h"

using namespace coffer;

TEST_CASE("mounts are read from mountinfo, escapes and optional fields and all") {
    const auto table = parse_mount_table(
        "22 1 0:21 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw\n"
        "30 22 0:25 / /run/with\\040blank\\134slash rw - fuse.coffer coffer rw\n"
        "31 22 0:26 /sub /last rw - tmpfs none rw");
    CHECK(table == std::vector<MountEntry>{{"/", "ext4", "0:21", 22},
                                           {"/run/with blank\\slash", "fuse.coffer", "0:25", 30},
                                           {"/last", "tmpfs", "0:26", 31}});
    CHECK(parse_mount_table("").empty());
    CHECK(parse_mount_table("garbage\n\n1 2 3\n1 2 3 4 /x rw -\n").empty());
}

TEST_CASE("what is mounted on a path is found without touching it") {
    CHECK(find_mount("/proc").value()->type == "proc");
    CHECK_FALSE(find_mount("/proc/self").value());
}
