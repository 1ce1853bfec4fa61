// SPDX-License-Identifier: Apache-2.0
#include "access/attest/exe_mount.h"

#include <unistd.h>

#include "support/catch.h"

using namespace coffer;

namespace {

MountEntry mount_of(std::string type, std::string device) {
    return {"/somewhere", std::move(type), std::move(device), 1};
}

}  // namespace

TEST_CASE("a FUSE file system is somebody's, the kernel's own are not") {
    for (const char* type : {"fuse", "fuse.sshfs", "fuseblk", "virtiofs"})
        CHECK_FALSE(is_kernels(mount_of(type, "0:40"), std::vector{mount_of(type, "0:40")}));
    for (const char* type : {"ext4", "btrfs", "tmpfs", "squashfs"})
        CHECK(is_kernels(mount_of(type, "0:40"), {}));
}

TEST_CASE(
    "an overlay is the kernel's where it is mounted in a namespace that is root's, and somebody's "
    "elsewhere") {
    const std::vector<MountEntry> trusted = {mount_of("ext4", "254:0"), mount_of("overlay", "0:41")};
    CHECK(is_kernels(mount_of("overlay", "0:41"), trusted));
    CHECK_FALSE(is_kernels(mount_of("overlay", "0:42"), trusted));
    CHECK_FALSE(is_kernels(mount_of("overlay", "254:0"), trusted));
    CHECK_FALSE(is_kernels(mount_of("overlay", "0:41"), {}));
}

TEST_CASE("the program of a process is found by the mount that it was started through") {
    CHECK(exe_is_kernels(ProcFolder::open(getpid()).value()));
}
