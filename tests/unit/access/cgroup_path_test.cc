// SPDX-License-Identifier: Apache-2.0
#include "access/attest/caller.h"
#include "access/attest/proc_text.h"
#include "support/catch.h"

using namespace coffer;

namespace {

void check(std::string_view path, std::string_view unit, std::string_view user_unit, std::string_view slice) {
    CgroupPlace place = read_cgroup_path(path);
    INFO(path);
    CHECK(place.path == path);
    CHECK(place.unit == unit);
    CHECK(place.user_unit == user_unit);
    CHECK(place.slice == slice);
}

}  // namespace

TEST_CASE("a cgroup path names its unit and slice by systemd's rules") {
    check("/system.slice/checkout.service", "checkout.service", "", "system.slice");
    check("/init.scope", "init.scope", "", "");
    check("/system.slice/app@1.service", "app@1.service", "", "system.slice");
    check("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "",
          "system-getty.slice");
    check("/coffer.slice/coffer-shop.slice/coffer-shop-prod.slice/x.service", "x.service", "",
          "coffer-shop-prod.slice");
    check("/system.slice/ssh.socket", "ssh.socket", "", "system.slice");
    check("/system.slice/srv\\x2dx.mount", "srv\\x2dx.mount", "", "system.slice");
    check("/user.slice/user-1000.slice/session-2.scope", "session-2.scope", "", "user-1000.slice");
    check("/system.slice", "", "", "system.slice");
    check("/", "", "", "");
    check("", "", "", "");
}

TEST_CASE("a unit of a user's manager is a user unit, never a system unit") {
    check("/user.slice/user-1000.slice/user@1000.service/app.slice/checkout.service", "user@1000.service",
          "checkout.service", "user-1000.slice");
    check("/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.slice/a.scope", "user@1000.service",
          "a.scope", "user-1000.slice");
    check("/user.slice/user-1000.slice/user@1000.service/init.scope", "user@1000.service", "init.scope",
          "user-1000.slice");
    check("/user.slice/user-1000.slice/user@1000.service", "user@1000.service", "", "user-1000.slice");
    check("/system.slice/user@me.service/x.service", "user@me.service", "", "system.slice");
}

TEST_CASE("a cgroup that a unit makes below itself does not rename it") {
    check("/system.slice/box.service/system.slice/checkout.service", "box.service", "", "system.slice");
    check("/machine.slice/machine-x.scope/payload/system.slice/checkout.service", "machine-x.scope", "",
          "machine.slice");
    check("/user.slice/user-1000.slice/session-2.scope/system.slice/checkout.service", "session-2.scope", "",
          "user-1000.slice");
}

TEST_CASE("a cgroup path that systemd did not make names no unit") {
    check("/docker/0123456789ab", "", "", "");
    check("/docker/checkout.service", "", "", "");
    check("/.service", "", "", "");
    check("/.slice/x.service", "", "", "");
    check("relative.slice/x.service", "", "", "");
    check("/../system.slice/x.service", "", "", "");
    check("/..", "", "", "");
    check("/..x.slice/x.service", "x.service", "", "..x.slice");
}

TEST_CASE("the place of a process is its version 2 path, or that of systemd's own hierarchy beside it") {
    CgroupLines pure = parse_cgroup_lines("0::/system.slice/a.service\n");
    CHECK(pure.path == "/system.slice/a.service");
    CHECK(pure.covered_by_id);

    CgroupLines hybrid = parse_cgroup_lines("9:name=systemd:/system.slice/a.service\n8:pids:/x\n0::/\n");
    CHECK(hybrid.path == "/system.slice/a.service");
    CHECK_FALSE(hybrid.covered_by_id);

    CgroupLines both =
        parse_cgroup_lines("1:name=systemd:/system.slice/a.service\n0::/system.slice/b.service\n");
    CHECK(both.path == "/system.slice/b.service");
    CHECK(both.covered_by_id);

    CgroupLines legacy = parse_cgroup_lines("1:name=systemd:/user.slice\n");
    CHECK(legacy.path == "/user.slice");
    CHECK_FALSE(legacy.covered_by_id);

    CHECK(parse_cgroup_lines("0::/\n").path == "/");
    CHECK(parse_cgroup_lines("0::/\n").covered_by_id);
    CHECK(parse_cgroup_lines("").path.empty());
    CHECK(parse_cgroup_lines("8:pids:/system.slice/a.service\n").path.empty());
}
