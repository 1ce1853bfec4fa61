// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/descriptor.h"

namespace coffer {
namespace {

Result<void> write_all(int fd, std::string_view content, const std::string& name) {
    while (!content.empty()) {
        ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return fail(Code::unavailable, "writing ", name, ": ", errno_text());
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    if (fsync(fd) != 0) return fail(Code::unavailable, "writing ", name, " to the disk: ", errno_text());
    return {};
}

}  // namespace

Result<std::optional<std::string>> read_small_file(const std::filesystem::path& path, std::size_t limit) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) return fail(Code::unavailable, "opening ", path.string(), ": ", errno_text());
    struct stat status {};
    if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return fail(Code::invalid, path.string(), " is no regular file");
    std::string content;
    char buffer[4096];
    while (true) {
        ssize_t got = ::read(file.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(Code::unavailable, "reading ", path.string(), ": ", errno_text());
        if (got == 0) return content;
        content.append(buffer, static_cast<std::size_t>(got));
        if (content.size() > limit)
            return fail(Code::invalid, path.string(), " is larger than the ", limit,
                        " bytes that it may have");
    }
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    // A name of its own for each writer: two tools may write the same file at once, and the later rename
    // wins.
    std::string temporary = concat(path.string(), ".", ::getpid(), ".new");
    ::unlink(temporary.c_str());  // left by a crash of a process with the same number
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return fail(Code::unavailable, "making ", temporary, ": ", errno_text());
    auto written = write_all(file.get(), content, temporary);
    if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
        written = fail(Code::unavailable, "renaming ", temporary, ": ", errno_text());
    if (!written) ::unlink(temporary.c_str());
    return written;
}

}  // namespace coffer
