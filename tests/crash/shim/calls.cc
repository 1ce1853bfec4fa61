// SPDX-License-Identifier: Apache-2.0
//
// Loaded into real programs by LD_PRELOAD: the calls by which they change files. Each is counted, goes wrong
// where the FaultPlan says so, and is put into the Trace where there is one.
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string>

#include "fault_plan.h"
#include "trace.h"

namespace {

using crash::Fault;
using crash::FaultPlan;
using crash::Trace;

template <class Function>
Function* real(const char* name) {
    return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

std::string path_of(int fd) {
    char link[64], path[4096];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(link, path, sizeof path);
    return std::string(path, size > 0 ? static_cast<std::size_t>(size) : 0);
}

std::string path_of(int folder, const char* name) {
    if (!name) return "";
    if (*name == '/' || folder == AT_FDCWD) return name;
    return path_of(folder) + "/" + name;
}

struct stat status_of(int fd) {
    struct stat status {};
    fstat(fd, &status);
    return status;
}

std::string number_of(int fd) {
    return std::to_string(status_of(fd).st_ino);
}

[[noreturn]] void die() {
    // The one way to end itself that the programs' own filters of system calls leave.
    syscall(SYS_tgkill, getpid(), gettid(), SIGKILL);
    for (;;) pause();
}

// For calls that are done or not: true where the call is not to be made, with errno.
bool refused(const char* call, std::string_view path) {
    switch (FaultPlan::instance().next(call, path)) {
        case Fault::kill:
        case Fault::kill_half:
            die();
        case Fault::eio:
            errno = EIO;
            return true;
        case Fault::enospc:
        case Fault::full:
            errno = ENOSPC;
            return true;
        default:
            return false;
    }
}

template <class Call>
int change(const char* call, const std::string& path, const std::string& line, Call make) {
    if (!FaultPlan::instance().concerns(path)) return make();
    if (refused(call, path)) return -1;
    Trace trace;
    const int result = make();
    if (result == 0) trace.add(line);
    return result;
}

template <class Call>
int open_by(const std::string& path, int flags, Call make) {
    if ((flags & (O_CREAT | O_TRUNC)) == 0 || !FaultPlan::instance().concerns(path)) return make();
    struct stat status {};
    const bool there = lstat(path.c_str(), &status) == 0;
    // What is there is opened and no more: no call that changes something.
    if ((!there || (flags & O_TRUNC) != 0) && refused("create", path)) return -1;
    Trace trace;
    const int fd = make();
    if (fd < 0) return fd;
    if (!there) trace.add("create " + number_of(fd) + ' ' + path);
    if (there && (flags & O_TRUNC) != 0) trace.add("truncate " + number_of(fd) + " 0");
    return fd;
}

// `at` is -1 for a write at the descriptor's own place.
template <class Call>
ssize_t write_by(int fd, const void* data, std::size_t size, off_t at, Call make) {
    const std::string path = path_of(fd);
    if (!FaultPlan::instance().concerns(path)) return make(size);
    const Fault fault = FaultPlan::instance().next("write", path);
    if (fault == Fault::kill) die();
    if (fault == Fault::eio || fault == Fault::enospc) {
        errno = fault == Fault::eio ? EIO : ENOSPC;
        return -1;
    }
    if (fault == Fault::kill_half || fault == Fault::full || fault == Fault::brief) size = (size + 1) / 2;
    Trace trace;
    const ssize_t written = make(size);
    if (written > 0) {
        const off_t place = at >= 0 ? at : lseek(fd, 0, SEEK_CUR) - written;
        trace.add("write " + number_of(fd) + ' ' + std::to_string(place) + ' ' + std::to_string(written),
                  data, static_cast<std::size_t>(written));
    }
    if (fault == Fault::kill_half) die();
    return written;
}

template <class Call>
int sync_by(int fd, Call make) {
    const bool folder = S_ISDIR(status_of(fd).st_mode);
    const std::string path = path_of(fd);
    // The folder itself counts too.
    if (!FaultPlan::instance().concerns(path + "/")) return make();
    if (refused("sync", path)) return -1;
    Trace trace;
    const int result = make();
    if (result == 0) trace.add(folder ? "sync-folder " + path : "sync " + number_of(fd));
    return result;
}

int truncate_by(int fd, off_t size, int (*make)(int, off_t)) {
    return change("truncate", path_of(fd), "truncate " + number_of(fd) + ' ' + std::to_string(size),
                  [&] { return make(fd, size); });
}

mode_t mode_of(int flags, va_list list) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
}

}  // namespace

#define OPEN_CALL(name)                                                                          \
    int name(const char* path, int flags, ...) {                                                 \
        static auto* const next = real<int(const char*, int, ...)>(#name);                       \
        va_list list;                                                                            \
        va_start(list, flags);                                                                   \
        const mode_t mode = mode_of(flags, list);                                                \
        va_end(list);                                                                            \
        return open_by(path_of(AT_FDCWD, path), flags, [&] { return next(path, flags, mode); }); \
    }
#define OPENAT_CALL(name)                                                                              \
    int name(int folder, const char* path, int flags, ...) {                                           \
        static auto* const next = real<int(int, const char*, int, ...)>(#name);                        \
        va_list list;                                                                                  \
        va_start(list, flags);                                                                         \
        const mode_t mode = mode_of(flags, list);                                                      \
        va_end(list);                                                                                  \
        return open_by(path_of(folder, path), flags, [&] { return next(folder, path, flags, mode); }); \
    }
#define PWRITE_CALL(name)                                                                           \
    ssize_t name(int fd, const void* data, size_t size, off_t at) {                                 \
        static auto* const next = real<ssize_t(int, const void*, size_t, off_t)>(#name);            \
        return write_by(fd, data, size, at, [&](size_t some) { return next(fd, data, some, at); }); \
    }
#define TRUNCATE_CALL(name)                                     \
    int name(int fd, off_t size) noexcept {                     \
        static auto* const next = real<int(int, off_t)>(#name); \
        return truncate_by(fd, size, next);                     \
    }
#define SYNC_CALL(name)                                  \
    int name(int fd) {                                   \
        static auto* const next = real<int(int)>(#name); \
        return sync_by(fd, [&] { return next(fd); });    \
    }

// NOLINTBEGIN: the C library's own names and signatures.
extern "C" {

OPEN_CALL(open)
OPEN_CALL(open64)
OPENAT_CALL(openat)
OPENAT_CALL(openat64)
PWRITE_CALL(pwrite)
PWRITE_CALL(pwrite64)
TRUNCATE_CALL(ftruncate)
TRUNCATE_CALL(ftruncate64)
SYNC_CALL(fsync)
SYNC_CALL(fdatasync)

ssize_t write(int fd, const void* data, size_t size) {
    static auto* const next = real<ssize_t(int, const void*, size_t)>("write");
    return write_by(fd, data, size, -1, [&](size_t some) { return next(fd, data, some); });
}

int rename(const char* from, const char* to) noexcept {
    static auto* const next = real<int(const char*, const char*)>("rename");
    return change("rename", to, std::string("rename ") + from + ' ' + to, [&] { return next(from, to); });
}

int link(const char* from, const char* to) noexcept {
    static auto* const next = real<int(const char*, const char*)>("link");
    return change("link", to, std::string("link ") + from + ' ' + to, [&] { return next(from, to); });
}

int unlink(const char* path) noexcept {
    static auto* const next = real<int(const char*)>("unlink");
    return change("unlink", path, std::string("unlink ") + path, [&] { return next(path); });
}

int unlinkat(int folder, const char* name, int flags) noexcept {
    static auto* const next = real<int(int, const char*, int)>("unlinkat");
    const std::string path = path_of(folder, name);
    return change("unlink", path, "unlink " + path, [&] { return next(folder, name, flags); });
}

int remove(const char* path) noexcept {
    static auto* const next = real<int(const char*)>("remove");
    return change("unlink", path, std::string("unlink ") + path, [&] { return next(path); });
}

int rmdir(const char* path) noexcept {
    static auto* const next = real<int(const char*)>("rmdir");
    return change("unlink", path, std::string("unlink ") + path, [&] { return next(path); });
}

int mkdir(const char* path, mode_t mode) noexcept {
    static auto* const next = real<int(const char*, mode_t)>("mkdir");
    struct stat status {};
    if (stat(path, &status) == 0) return next(path, mode);  // EEXIST: it changes nothing
    return change("mkdir", path, std::string("mkdir ") + path, [&] { return next(path, mode); });
}

}  // extern "C"
// NOLINTEND
