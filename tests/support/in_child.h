// SPDX-License-Identifier: Apache-2.0
//
// Runs a function in a forked child and returns its exit status, for what must not happen to the test itself:
// giving up privileges, low limits, being forked.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace coffer::test {

// `body` returns the exit status, 0 to 255. A child killed by a signal gives -signal.
template <class Body>
int in_child(Body body) {
    pid_t child = fork();
    if (child < 0) return -1000;
    if (child == 0) _exit(body());
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return -1000;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace coffer::test
