// SPDX-License-Identifier: Apache-2.0
//
// Loaded into an allowed program by LD_PRELOAD: writes the file that COFFER_ATTACK_PATH names to the output.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

namespace {

__attribute__((constructor)) void read_in_its_name() {
    const char* path = std::getenv("COFFER_ATTACK_PATH");  // NOLINT(concurrency-mt-unsafe)
    char buffer[256];
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    const ssize_t size = read(fd, buffer, sizeof buffer);
    if (size > 0 && write(1, buffer, static_cast<size_t>(size)) != size) _exit(1);
}

}  // namespace
