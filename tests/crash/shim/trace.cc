// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace crash {

// Opened for each call: a descriptor that is kept would be inherited, closed by programs that close all, and
// would share its lock among threads.
Trace::Trace() {
    const char* path = std::getenv("COFFER_CRASH_TRACE");  // NOLINT(concurrency-mt-unsafe): nobody writes it
    if (!path) return;
    fd_ = static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CLOEXEC));
    if (fd_ < 0) _exit(99);
    while (flock(fd_, LOCK_EX) != 0)
        if (errno != EINTR) _exit(99);
}

Trace::~Trace() {
    const int error = errno;
    if (fd_ >= 0) close(fd_);
    errno = error;
}

void Trace::add(std::string_view line, const void* data, std::size_t size) const {
    if (fd_ < 0) return;
    const int error = errno;
    iovec parts[] = {{const_cast<char*>(line.data()), line.size()},
                     {const_cast<char*>("\n"), 1},
                     {const_cast<void*>(data), size}};
    if (syscall(SYS_writev, fd_, parts, 3) != static_cast<long>(line.size() + 1 + size)) _exit(99);
    errno = error;
}

}  // namespace crash
