// SPDX-License-Identifier: Apache-2.0
//
// The texts of /proc/PID that say who a process is (proc(5)). Pure: the files are read by
// access/attest/proc_folder.h. A text that lacks what every kernel writes there is Code::failed, never a
// default.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "access/attest/caller.h"
#include "base/result.h"

namespace coffer {

struct ProcStatus {  // /proc/PID/status
    pid_t tgid = 0, tracer = 0;
    Credentials ids;
    std::vector<gid_t> groups;  // sorted
    bool operator==(const ProcStatus&) const = default;
};
[[nodiscard]] Result<ProcStatus> parse_proc_status(std::string_view text);

// /proc/PID/stat, field 22: when the process started, in clock ticks since boot.
[[nodiscard]] Result<std::uint64_t> parse_start_ticks(std::string_view text);

struct CgroupLines {        // /proc/PID/cgroup
    std::string_view path;  // into the text; of version 2, or of systemd's own hierarchy beside it
    // It is the path of version 2, so that the version 2 id says when it changes.
    bool covered_by_id = true;
};
[[nodiscard]] CgroupLines parse_cgroup_lines(std::string_view text);

}  // namespace coffer
