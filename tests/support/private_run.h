// SPDX-License-Identifier: Apache-2.0
//
// PrivateRun: while it lives, this process and its later children have a mount namespace of their own, in
// which /run is an empty file system: what they do there nobody else sees, and the host's journal is not
// theirs. Needs root.
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

class PrivateRun {
  public:
    PrivateRun()
        : folder_(std::filesystem::current_path()), home_(open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)) {
        if (home_ < 0 || unshare(CLONE_NEWNS) != 0) throw std::runtime_error("no mount namespace");
        if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0)
            throw std::runtime_error(std::string("no /run of our own: ") + std::strerror(errno));
    }
    ~PrivateRun() {
        // It takes the process to the root of the first namespace, and to its current folder by name.
        if (setns(home_, CLONE_NEWNS) != 0 || chdir(folder_.c_str()) != 0) std::abort();
        close(home_);
    }
    PrivateRun(const PrivateRun&) = delete;
    PrivateRun& operator=(const PrivateRun&) = delete;

  private:
    std::filesystem::path folder_;
    int home_;
};

}  // namespace coffer::test
