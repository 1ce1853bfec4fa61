// SPDX-License-Identifier: Apache-2.0
//
// The main of the tests of credentials. They run as process 1 of a pid namespace: what process 1 runs is what
// systemd runs, so that each forked child passes for its loader of credentials, and other programs do not.
// The names of its peers are those of a network namespace, and so one of the tests' own.
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>

#include "support/mount_needs.h"
#include "support/run_tests.h"

int main(int argc, char** argv) {
    if (auto status = coffer::test::left_out()) return *status;
    const auto first = static_cast<pid_t>(
        syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0));
    if (first < 0) return 1;
    if (first == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);  // and with process 1 goes all of the namespace
        if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0)
            return 1;
        return coffer::test::run_tests(argc, argv);
    }
    int status = 0;
    while (waitpid(first, &status, 0) < 0) {
        if (errno != EINTR) return 1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
