// SPDX-License-Identifier: Apache-2.0
//
// Client and daemon on one CPU: a request that crosses CPUs pays for waking the other one, several times what
// either does, and unpinned runs flip between the two.
#pragma once

#include <sched.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

// This process, with what it starts from here on. Throws where there is no such CPU for it.
inline void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (sched_setaffinity(0, sizeof set, &set) == 0) return;
    throw std::runtime_error("cannot pin to CPU " + std::to_string(cpu) + ": " +
                             std::generic_category().message(errno));
}
