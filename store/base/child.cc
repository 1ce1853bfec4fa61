// SPDX-License-Identifier: Apache-2.0
#include "base/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

namespace coffer {

int wait_for_end(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

void abandon(pid_t child) {
    (void)::kill(child, SIGKILL);
    (void)::waitpid(child, nullptr, WNOHANG);
}

void let_go_of_stdio() {
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, descriptor);
}

}  // namespace coffer
