// SPDX-License-Identifier: Apache-2.0
#include "access/attest/proc_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <climits>

namespace coffer {
namespace {

ssize_t read_once(int fd, char* out, std::size_t size) {
    for (;;) {
        ssize_t done = ::read(fd, out, size);
        if (done >= 0 || errno != EINTR) return done;
    }
}

// What the kernel knows of the file, without asking the file system's server: whoever runs a FUSE file
// system, or an overlay over one, decides when that answers, if ever, and this thread would wait with it.
// Where the kernel is itself the file system there is no difference. Of a program that runs the answer is the
// same: the device and the inode are fixed, and a change time that a server tells is its word and no more.
std::optional<ExeStamp> stamp(int folder, const char* name, int flags) {
    struct statx status {};
    if (::statx(folder, name, flags | AT_STATX_DONT_SYNC, STATX_INO | STATX_CTIME, &status) != 0)
        return std::nullopt;
    return ExeStamp{true, makedev(status.stx_dev_major, status.stx_dev_minor), status.stx_ino,
                    std::int64_t{status.stx_ctime.tv_sec} * 1'000'000'000 + status.stx_ctime.tv_nsec};
}

}  // namespace

Result<ProcFolder> ProcFolder::open(pid_t id) {
    Descriptor fd(::open(concat("/proc/", id).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (fd) return ProcFolder(std::move(fd));
    int error = errno;
    bool full = error == EMFILE || error == ENFILE;
    return fail(full ? Code::limit : Code::not_found, "/proc/", id, " cannot be opened: ", errno_text(error));
}

Result<std::string> ProcFolder::read(const char* name) const {
    Descriptor file(::openat(fd_.get(), name, O_RDONLY | O_CLOEXEC));
    if (!file) {
        bool full = errno == EMFILE || errno == ENFILE;
        return fail(full ? Code::limit : Code::not_found, "/proc/PID/", name, ": ", errno_text());
    }
    std::string text;
    char buffer[4096];
    for (;;) {
        ssize_t size = read_once(file.get(), buffer, sizeof buffer);
        if (size < 0) return fail(Code::not_found, "/proc/PID/", name, ": ", errno_text());
        if (size == 0) return text;
        text.append(buffer, static_cast<std::size_t>(size));
    }
}

Result<ProcStatus> ProcFolder::status() const {
    COFFER_TRY(std::string text, read("status"));
    return parse_proc_status(text);
}

Result<std::uint64_t> ProcFolder::start_ticks() const {
    COFFER_TRY(std::string text, read("stat"));
    return parse_start_ticks(text);
}

Descriptor ProcFolder::open_cgroup() const {
    return Descriptor(::openat(fd_.get(), "cgroup", O_RDONLY | O_CLOEXEC));
}

Result<std::string> ProcFolder::cgroup_text(const Descriptor& file) {
    std::string text(4096, '\0');
    for (;;) {
        ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
        if (size < 0) return fail(Code::not_found, "/proc/PID/cgroup: ", errno_text());
        const bool whole = static_cast<std::size_t>(size) < text.size();
        text.resize(whole ? static_cast<std::size_t>(size) : 2 * text.size());
        if (whole) return text;
    }
}

bool ProcFolder::in_cgroup(const Descriptor& file, std::string_view path) {
    char buffer[4096];
    ssize_t size = ::pread(file.get(), buffer, sizeof buffer, 0);  // made anew for each read from the start
    // A full buffer may have been cut; then the slow way decides.
    if (size <= 0 || static_cast<std::size_t>(size) == sizeof buffer) return false;
    return parse_cgroup_lines({buffer, static_cast<std::size_t>(size)}).path == path;
}

std::optional<ExeStamp> ProcFolder::exe_stamp() const {
    if (auto seen = stamp(fd_.get(), "exe", 0)) return seen;
    // Refused, or no executable: that may also be how a dead process answers.
    if (!alive()) return std::nullopt;
    return ExeStamp{};
}

std::optional<std::uint64_t> ProcFolder::exe_mount() const {
    struct statx status {};
    if (::statx(fd_.get(), "exe", AT_STATX_DONT_SYNC, STATX_MNT_ID, &status) != 0 ||
        (status.stx_mask & STATX_MNT_ID) == 0)
        return std::nullopt;
    return status.stx_mnt_id;
}

Result<std::string> ProcFolder::mount_table() const {
    return read("mountinfo");
}

Descriptor ProcFolder::open_exe() const {
    return Descriptor(::openat(fd_.get(), "exe", O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

ExeStamp ProcFolder::stamp_of(const Descriptor& exe) {
    return stamp(exe.get(), "", AT_EMPTY_PATH).value_or(ExeStamp{});
}

std::string ProcFolder::exe_path() const {
    char buffer[PATH_MAX + 16];
    ssize_t size = ::readlinkat(fd_.get(), "exe", buffer, sizeof buffer);
    if (size <= 0 || static_cast<std::size_t>(size) == sizeof buffer) return {};
    return {buffer, static_cast<std::size_t>(size)};
}

NamespaceId ProcFolder::user_namespace() const {
    struct stat status {};
    if (::fstatat(fd_.get(), "ns/user", &status, 0) != 0) return {};
    return {status.st_dev, status.st_ino};
}

bool ProcFolder::alive() const {
    struct stat status {};
    return ::fstatat(fd_.get(), "stat", &status, 0) == 0;
}

}  // namespace coffer
