// SPDX-License-Identifier: Apache-2.0
//
// The filter of system calls that a program of coffer's puts on itself, so that who takes it over has little
// left to call: also where no unit of systemd's says so, and beneath the unit where one does. What is on
// neither list of a program gives ENOSYS, by which a newer libc's try at a newer call falls back to an older
// one; what no program of ours ever calls, and who calls it means harm, ends the process with SIGSYS
// (kHostileCalls). The kernel logs that.
//
// A filter cannot be taken off again. A second one may be put on top of it: what each of them allows is
// allowed.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace coffer {

// By their names, as in the manual's section 2. One that this machine does not have is left out.
using SystemCallNames = std::span<const char* const>;

// What every program of ours calls: memory, its own threads and signals, clocks, reading files, open
// descriptors. Besides, by their arguments: clone for threads, tgkill for this process, mmap and mprotect for
// memory that is not both written and executed, socket for AF_UNIX, and a few of prctl and ioctl.
extern const SystemCallNames kOrdinaryCalls;
// What is done to files by a program that keeps a database.
extern const SystemCallNames kDatabaseCalls;
// What ends the process, unless the program's own list has it.
extern const SystemCallNames kHostileCalls;

struct SystemCallRules {
    std::vector<const char*> allowed;        // besides kOrdinaryCalls
    std::vector<std::uint32_t> ioctls = {};  // requests, whatever the size in them
};

// Those of a program that keeps a database, and more.
[[nodiscard]] SystemCallRules database_rules(SystemCallNames more);

// On all threads, now and later; from here on no program that this one runs has more rights than it
// (no_new_privs). Code::failed where the kernel has no seccomp: nothing runs without.
// Does nothing in a build with sanitizers, whose runtime forks, traces and writes code.
[[nodiscard]] Result<void> install_system_call_filter(const SystemCallRules& rules);

}  // namespace coffer
