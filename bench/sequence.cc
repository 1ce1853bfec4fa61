// SPDX-License-Identifier: Apache-2.0
#include "sequence.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace {

char buffer[128 * 1024];  // what cat(1) reads at a time; a client has one thread

// Closes on every path and keeps the errno of what failed before.
bool close_after(int fd, bool good) {
    const int error = errno;
    if (close(fd) != 0) return false;
    errno = error;
    return good;
}

int open_file(const char* path) {
    return open(path, O_RDONLY | O_CLOEXEC);
}

bool open_read_close(const char* path) {
    const int fd = open_file(path);
    if (fd < 0) return false;
    return close_after(fd, read(fd, buffer, 4096) > 0);
}

// What strace shows of cat(1) between opening and closing its argument.
bool cat(const char* path) {
    const int fd = open_file(path);
    if (fd < 0) return false;
    struct stat attributes;
    const bool good = fstat(fd, &attributes) == 0 && read(fd, buffer, sizeof buffer) > 0 &&
                      read(fd, buffer, sizeof buffer) == 0;
    return close_after(fd, good);
}

// The file from its start to its end, 128 KiB at a time.
bool read_all(int fd) {
    off_t at = 0;
    ssize_t got = 0;
    while ((got = pread(fd, buffer, sizeof buffer, at)) > 0) at += got;
    return got == 0 && at > 0;
}

template <int kTimes>
bool open_read_all_close(const char* path) {
    const int fd = open_file(path);
    if (fd < 0) return false;
    bool good = true;
    for (int i = 0; good && i < kTimes; ++i) good = read_all(fd);
    return close_after(fd, good);
}

// ls(1), and ls -l when `each_stat`.
template <bool each_stat>
bool list(const char* path) {
    DIR* directory = opendir(path);
    if (!directory) return false;
    std::size_t names = 0;
    bool good = true;
    errno = 0;
    while (const dirent* entry = readdir(directory)) {  // NOLINT(concurrency-mt-unsafe): one thread
        if (entry->d_name[0] == '.') continue;
        ++names;
        struct stat attributes;
        if (each_stat && fstatat(dirfd(directory), entry->d_name, &attributes, AT_SYMLINK_NOFOLLOW) != 0) {
            good = false;
            break;
        }
    }
    const int error = errno;
    closedir(directory);
    errno = error;
    return good && error == 0 && names > 0;
}

constexpr std::array<Sequence, 6> kSequences = {{{"open+read+close", open_read_close},
                                                 {"open+fstat+read+read+close", cat},
                                                 {"read-all", open_read_all_close<1>},
                                                 {"read-all-16-times", open_read_all_close<16>},
                                                 {"list", list<false>},
                                                 {"list+stat", list<true>}}};

}  // namespace

const Sequence& find_sequence(std::string_view name) {
    std::string known;
    for (const Sequence& one : kSequences) {
        if (one.name == name) return one;
        known.append(" ").append(one.name);
    }
    throw std::runtime_error("unknown sequence " + std::string(name) + "; there are" + known);
}
