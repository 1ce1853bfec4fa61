// SPDX-License-Identifier: Apache-2.0
#include "serve/mount_point.h"

#include <fstream>

#include "support/catch.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::TempFolder;

TEST_CASE("mount points are read from mountinfo, escapes and all") {
    const auto points = mount_points(
        "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
        "30 22 0:25 / /run/with\\040blank\\134slash rw - fuse.coffer coffer rw\n"
        "31 22 0:26 /sub /last rw - tmpfs none rw");
    CHECK(points == std::vector<std::filesystem::path>{"/", "/run/with blank\\slash", "/last"});
    CHECK(mount_points("").empty());
    CHECK(mount_points("garbage\n\n1 2 3\n").size() <= 2);
}

TEST_CASE("only an existing, empty directory is taken as a mount point") {
    TempFolder folder;
    auto good = check_mount_point(folder.path());
    REQUIRE(good);
    CHECK(*good == std::filesystem::canonical(folder.path()));
    CHECK(check_mount_point(folder.path().string() + "//./").value() == *good);
    CHECK(check_mount_point(folder / "none").error().code == Code::not_found);
    CHECK(check_mount_point(folder / "none/below").error().code == Code::not_found);
    CHECK(check_mount_point("/proc").error().code == Code::conflict);
    std::ofstream(folder / "file") << "x";
    CHECK(check_mount_point(folder / "file").error().code == Code::invalid);
    CHECK(check_mount_point(folder.path()).error().message.find("not empty") != std::string::npos);
}
