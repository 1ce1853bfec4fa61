// SPDX-License-Identifier: Apache-2.0
#include "access/attest/exe_mount.h"

#include <unistd.h>

#include <algorithm>

namespace coffer {
namespace {

std::vector<MountEntry> mounts_of(const ProcFolder& process) {
    auto text = process.mount_table();
    return text ? parse_mount_table(*text) : std::vector<MountEntry>();
}

std::vector<MountEntry> mounts_of(pid_t process) {
    auto folder = ProcFolder::open(process);
    return folder ? mounts_of(*folder) : std::vector<MountEntry>();
}

const MountEntry* find_id(const std::vector<MountEntry>& mounts, std::uint64_t id) {
    auto found = std::ranges::find(mounts, id, &MountEntry::id);
    return found == mounts.end() ? nullptr : &*found;
}

}  // namespace

bool is_kernels(const MountEntry& mount, std::span<const MountEntry> trusted) {
    if (mount.type.starts_with("fuse") || mount.type == "virtiofs") return false;
    if (mount.type != "overlay") return true;
    return std::ranges::any_of(trusted, [&](const MountEntry& other) {
        return other.type == mount.type && other.device == mount.device;
    });
}

// The mount is in the table of the process's own namespace; or, where it has left that since it was started
// or is confined to a part of it (chroot), in the daemon's or in that of process 1.
bool exe_is_kernels(const ProcFolder& process) {
    const auto id = process.exe_mount();
    if (!id) return false;
    const auto its = mounts_of(process), own = mounts_of(::getpid());
    if (const MountEntry* mount = find_id(its, *id)) return is_kernels(*mount, own);
    if (const MountEntry* mount = find_id(own, *id)) return is_kernels(*mount, own);
    const auto first = mounts_of(1);
    const MountEntry* mount = find_id(first, *id);
    return mount && is_kernels(*mount, first);
}

}  // namespace coffer
