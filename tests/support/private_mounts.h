// SPDX-License-Identifier: Apache-2.0
//
// PrivateMounts: while it lives, this process and its later children have a mount namespace of their own:
// what they mount nobody else sees. PrivateRun: in it, /run is an empty file system, and the host's journal
// is not theirs. Both need root.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace coffer::test {

class PrivateMounts {
  public:
    PrivateMounts()
        : folder_(std::filesystem::current_path()), home_(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)) {
        if (home_ < 0 || unshare(CLONE_NEWNS) != 0) throw std::runtime_error("no mount namespace");
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
    }
    ~PrivateMounts() {
        // It takes the process to the root of the first namespace, and to its current folder by name.
        if (setns(home_, CLONE_NEWNS) != 0 || chdir(folder_.c_str()) != 0) std::abort();
        close(home_);
    }
    PrivateMounts(const PrivateMounts&) = delete;
    PrivateMounts& operator=(const PrivateMounts&) = delete;

    static void mount(const char* what, const char* where, const char* type, unsigned long flags,
                      const char* options) {
        if (::mount(what, where, type, flags, options) != 0)
            throw std::runtime_error(std::string("mounting on ") + where + ": " + std::strerror(errno));
    }

  private:
    std::filesystem::path folder_;
    int home_;
};

class PrivateRun {
  public:
    PrivateRun() { PrivateMounts::mount("none", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"); }

  private:
    PrivateMounts mounts_;
};

}  // namespace coffer::test
