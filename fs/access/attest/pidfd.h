// SPDX-License-Identifier: Apache-2.0
//
// pidfds of single threads and what the kernel says of them. PIDFD_THREAD came with Linux 6.9,
// PIDFD_GET_INFO with 6.13; the constants are here because the headers of Debian 12 have neither.
// Thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "access/attest/caller.h"
#include "base/descriptor.h"

namespace coffer {

// PIDFD_GET_INFO, whose size is that of the kernel's structure as of 6.13.
inline constexpr std::uint32_t kPidfdGetInfo = 0xc040ff0b;

struct PidfdInfo {
    pid_t tid = 0, tgid = 0;
    Credentials ids;
    std::uint64_t cgroup_id = 0;  // of version 2; 1 is its root
    bool operator==(const PidfdInfo&) const = default;
};

// Empty with errno: ESRCH where there is no such thread.
[[nodiscard]] Descriptor open_thread_pidfd(pid_t tid);
// None with errno: ESRCH once the thread has been reaped. The ids are those of this thread.
[[nodiscard]] std::optional<PidfdInfo> pidfd_info(int pidfd);
// Does this kernel have both?
[[nodiscard]] bool pidfd_info_works();

}  // namespace coffer
