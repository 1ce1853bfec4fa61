// SPDX-License-Identifier: Apache-2.0
#include "access/attest/credential_loader.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace coffer {
namespace {

constexpr std::array<std::string_view, 2> kExecutors = {"/usr/lib/systemd/systemd-executor",
                                                        "/lib/systemd/systemd-executor"};

bool is_file(const char* path, const Executable& exe) {
    struct stat status {};
    return ::stat(path, &status) == 0 && status.st_uid == 0 && status.st_dev == exe.device &&
           status.st_ino == exe.inode;
}

}  // namespace

bool is_credential_loader(const Caller& caller) {
    if (caller.ids.fsuid != 0 || caller.ids.ruid != 0 || caller.foreign_user_namespace ||
        caller.cgroup.unit.empty() || caller.exe.path.empty())
        return false;
    if (is_file("/proc/1/exe", caller.exe)) return true;
    // By the path of its own mount namespace and the file of ours: they have to be one.
    return std::ranges::any_of(kExecutors, [&](std::string_view path) {
        return caller.exe.path == path && is_file(path.data(), caller.exe);
    });
}

}  // namespace coffer
