// SPDX-License-Identifier: Apache-2.0
//
// A daemon without privileges: fusermount3 mounts for it, and it sees the processes of its own user.
#include <sys/sysmacros.h>

#include "support/mounted_store.h"
#include "support/private_mounts.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/DB_PASSWORD";
// fusermount3 wants a user that has a name.
const Who kNobody{65534, 65534};

// /dev/fuse as udev makes it, open to everybody, also where this machine's is not: on a mount that only this
// process and its children see. The mounts of a test are made and gone within its life.
class OpenFuseDevice {
  public:
    OpenFuseDevice() {
        // Without it fusermount3 unmounts for root alone; a system that was not booted has none.
        made_table_ = symlink("/proc/self/mounts", "/etc/mtab") == 0;
        const std::string folder = folder_.path(), node = folder + "/fuse";
        PrivateMounts::mount("none", folder.c_str(), "tmpfs", MS_NOSUID, "mode=0755");
        REQUIRE(mknod(node.c_str(), S_IFCHR | 0666, makedev(10, 229)) == 0);
        REQUIRE(chmod(node.c_str(), 0666) == 0);  // whatever the umask
        PrivateMounts::mount(node.c_str(), "/dev/fuse", nullptr, MS_BIND, nullptr);
    }

    ~OpenFuseDevice() {
        if (made_table_) unlink("/etc/mtab");
    }
    OpenFuseDevice(const OpenFuseDevice&) = delete;
    OpenFuseDevice& operator=(const OpenFuseDevice&) = delete;

  private:
    bool made_table_ = false;
    TempFolder folder_;
    PrivateMounts mounts_;
};

}  // namespace

TEST_CASE("an unprivileged user mounts for itself, and nobody else sees the mount") {
    OpenFuseDevice device;
    MountedStore mounted(allow(kNobody, "acme/**") + allow(kAlice, "acme/**"));
    mounted.set(kKey, "for one user");
    mounted.give_to(kNobody);
    mounted.start();
    CHECK(read_as(kNobody, mounted.path(kKey)).text == "for one user");
    // The kernel's word, not the policy's: /etc/fuse.conf here has no user_allow_other.
    CHECK(read_as(kAlice, mounted.path(kKey)).error == EACCES);
    CHECK(read_as(kRoot, mounted.path(kKey)).error == EACCES);
    CHECK(mounted.log().find("user_allow_other") != std::string::npos);
    mounted.stop();
}

TEST_CASE("an unprivileged daemon serves by the same policy as any other") {
    OpenFuseDevice device;
    MountedStore mounted(allow(kNobody, "acme/checkout/production/*"));
    mounted.set(kKey, "named");
    mounted.set("acme/checkout/staging/DB_PASSWORD", "not named");
    mounted.give_to(kNobody);
    mounted.start();
    CHECK(read_as(kNobody, mounted.path(kKey)).text == "named");
    CHECK(read_as(kNobody, mounted.path("acme/checkout/staging/DB_PASSWORD")).error == ENOENT);
    CHECK(mounted.audit_lines({"\"deny\"", "staging"}) == 0);  // the directory is hidden already
    mounted.stop();
}
