// SPDX-License-Identifier: Apache-2.0
//
// OpenFuseDevice: /dev/fuse as udev makes it, open to everybody, also where this machine's is not: on a mount
// that only this process and its children see. The mounts of a test are made and gone within its life.
#pragma once

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <string>

#include "support/catch.h"
#include "support/client.h"
#include "support/private_mounts.h"
#include "support/temp_folder.h"

namespace coffer::test {

// fusermount3 wants a user that has a name.
inline const Who kNobody{65534, 65534};

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

}  // namespace coffer::test
