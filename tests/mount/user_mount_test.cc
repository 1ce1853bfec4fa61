// SPDX-License-Identifier: Apache-2.0
//
// A daemon without privileges: fusermount3 mounts for it, and it sees the processes of its own user.
#include "support/mounted_store.h"
#include "support/open_fuse_device.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/DB_PASSWORD";
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
