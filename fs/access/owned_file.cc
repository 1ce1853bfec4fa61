// SPDX-License-Identifier: Apache-2.0
#include "access/owned_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/descriptor.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;

Result<std::string> read_all(int fd, std::string_view what) {
    std::string text;
    char buffer[16384];
    for (;;) {
        ssize_t size = ::read(fd, buffer, sizeof buffer);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail(Code::failed, "reading ", what, ": ", errno_text());
        if (size == 0) return text;
        text.append(buffer, static_cast<std::size_t>(size));
        if (text.size() > kMaxFile)
            return fail(Code::invalid, what, " is larger than ", kMaxFile, " bytes; that is no such file");
    }
}

}  // namespace

Result<void> check_owner(const struct stat& status, std::string_view what) {
    if (status.st_uid != 0 && status.st_uid != ::geteuid())
        return fail(Code::not_allowed, what, " is owned by uid ", status.st_uid, "; expected root or uid ",
                    ::geteuid(), ": chown it");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(Code::not_allowed, what, " can be written by its group or by others; run: chmod go-w ",
                    what);
    return {};
}

Result<std::string> read_owned_file(const std::filesystem::path& file) {
    const std::string& what = file.native();
    // O_NONBLOCK: a FIFO put there must not stop a start.
    Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) {
        Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::failed;
        return fail(code, "cannot open ", what, ": ", errno_text());
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return fail(Code::failed, "fstat of ", what, ": ", errno_text());
    if (!S_ISREG(status.st_mode)) return fail(Code::invalid, what, " is not a regular file");
    COFFER_CHECK(check_owner(status, what));
    return read_all(fd.get(), what);
}

}  // namespace coffer
