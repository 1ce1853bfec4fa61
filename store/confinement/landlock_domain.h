// SPDX-License-Identifier: Apache-2.0
//
// A Landlock domain (landlock(7)): this process gives up all files but those beneath the folders it names,
// the network, signals to others, and abstract sockets of others. By the kernel, without root, for good.
//
// Not for a process that has to recognise others: the kernel refuses to one in a domain, of any kind, the
// links exe and ns of /proc/PID of every process outside of it. So coffer-stored has one and cofferd has
// none.
#pragma once

#include <filesystem>
#include <span>

#include "base/result.h"

namespace coffer {

struct LandlockRules {
    std::span<const std::filesystem::path> writable;  // existing folders; whatever is beneath them
    std::filesystem::path socket_folder;              // where a socket is made and removed; empty: nowhere
    bool abstract_sockets = false;  // may still be spoken to, as the service manager's may be
};

// For this thread and those that it starts, so before it starts any; sets no_new_privs. The version of
// Landlock that is in force (1 to 7 and on: 4 has the network, 6 signals and abstract sockets), 0 where the
// kernel has none or it is off: that is no error, for a kernel before 5.13 has none. Does nothing in a build
// with sanitizers, which read /proc at their end.
[[nodiscard]] Result<int> enter_landlock_domain(const LandlockRules& rules);

}  // namespace coffer
