// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/descriptor.h"

namespace coffer {

bool write_all(int fd, ByteView content) {
    while (!content.empty()) {
        ssize_t written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        content = content.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

Result<std::string> read_to_end(int fd, std::size_t limit, std::string_view what) {
    std::string content;
    char buffer[16384];
    for (;;) {
        ssize_t size = ::read(fd, buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail(Code::unavailable, "reading ", what, ": ", errno_text());
        if (size == 0) return content;
        content.append(buffer, static_cast<std::size_t>(size));
        if (content.size() > limit)
            return fail(Code::invalid, what, " is larger than the ", limit, " bytes that it may have");
    }
}

Result<void> sync_name(const std::filesystem::path& path) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || fsync(fd.get()) != 0)
        return fail(Code::unavailable, "writing the folder ", folder.string(), ": ", errno_text());
    return {};
}

Result<void> check_owner(const struct stat& status, std::string_view what) {
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return fail(Code::not_allowed, what, " is owned by uid ", status.st_uid, "; expected root or uid ",
                    ::geteuid(), ": chown it");
    return check_closed(status, what);
}

Result<void> check_closed(const struct stat& status, std::string_view what) {
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(Code::not_allowed, what, " can be written by its group or by others; run `chmod go-w ",
                    what, '`');
    return {};
}

}  // namespace coffer
