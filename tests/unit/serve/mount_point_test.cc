// SPDX-License-Identifier: Apache-2.0
#include "hold/mount_point.h"

#include <fstream>

#include "support/catch.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::TempFolder;

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
