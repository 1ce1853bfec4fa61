// SPDX-License-Identifier: Apache-2.0
//
// What every child process needs, and what takes care where one may hang: a child that looks into a mount
// whose daemon hangs cannot be ended before the kernel lets it go.
#pragma once

#include <sys/types.h>

namespace coffer {

// Waits for its end, whatever signals come meanwhile: as waitpid(2) says.
[[nodiscard]] int wait_for_end(pid_t child);
// SIGKILL, which where the kernel keeps the child waiting comes later: it is not waited for.
void abandon(pid_t child);
// In a forked child that a mount may keep waiting for ever: /dev/null takes the place of descriptors 0 to 2,
// so that whoever reads this command's output to the end is not kept as well.
void let_go_of_stdio();

}  // namespace coffer
