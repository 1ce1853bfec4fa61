// SPDX-License-Identifier: Apache-2.0
#include "access/attest/pidfd.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace coffer {
namespace {

constexpr unsigned kPidfdThread = O_EXCL;  // PIDFD_THREAD, Linux 6.9

// struct pidfd_info of include/uapi/linux/pidfd.h as of Linux 6.13 (PIDFD_INFO_SIZE_VER0, 64 bytes; later
// kernels accept every earlier size). The last word is spare there and an exit code from 6.15 on.
struct KernelPidfdInfo {
    std::uint64_t mask, cgroup_id;
    std::uint32_t pid, tgid, ppid;
    std::uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    std::uint32_t spare;
};
static_assert(sizeof(KernelPidfdInfo) == 64);
static_assert(kPidfdGetInfo == _IOWR(0xFF, 11, KernelPidfdInfo));

constexpr std::uint64_t kInfoPid = 1, kInfoCreds = 2, kInfoCgroupId = 4;
constexpr std::uint64_t kWanted = kInfoPid | kInfoCreds | kInfoCgroupId;

}  // namespace

Descriptor open_thread_pidfd(pid_t tid) {
    return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, tid, kPidfdThread)));  // close-on-exec
}

std::optional<PidfdInfo> pidfd_info(int pidfd) {
    KernelPidfdInfo raw{};
    raw.mask = kWanted;
    if (::ioctl(pidfd, kPidfdGetInfo, &raw) != 0) return std::nullopt;
    if ((raw.mask & (kInfoPid | kInfoCreds)) != (kInfoPid | kInfoCreds)) {
        errno = ESRCH;  // an exited thread whose ids are no longer known
        return std::nullopt;
    }
    PidfdInfo info;
    info.tid = static_cast<pid_t>(raw.pid);
    info.tgid = static_cast<pid_t>(raw.tgid);
    info.ids = {raw.ruid, raw.euid, raw.suid, raw.fsuid, raw.rgid, raw.egid, raw.sgid, raw.fsgid};
    info.cgroup_id = (raw.mask & kInfoCgroupId) != 0 ? raw.cgroup_id : 0;
    return info;
}

bool pidfd_info_works() {
    // The thread that asks, not the process: kernels before 6.9 refuse PIDFD_THREAD altogether.
    auto self = static_cast<pid_t>(::syscall(SYS_gettid));
    Descriptor pidfd = open_thread_pidfd(self);
    if (!pidfd) return false;
    std::optional<PidfdInfo> info = pidfd_info(pidfd.get());
    return info && info->tid == self && info->tgid == ::getpid();
}

}  // namespace coffer
