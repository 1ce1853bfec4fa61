// SPDX-License-Identifier: Apache-2.0
//
// late_reader FILE: says "r", waits for a byte, and only then opens the file and shows it, or "errno N". All
// of it is in memory by then and it needs no library, so that it runs on when the file system of its own
// program has stopped answering.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

int main(int argc, char** argv) {
    char buffer[4096];
    if (argc != 2 || mlockall(MCL_CURRENT) != 0 || write(1, "r", 1) != 1 || read(0, buffer, 1) != 1) return 1;
    const int file = open(argv[1], O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, buffer, sizeof buffer);
    if (size < 0) size = std::snprintf(buffer, sizeof buffer, "errno %d", errno);
    _exit(write(1, buffer, static_cast<std::size_t>(size)) == size ? 0 : 1);
}
