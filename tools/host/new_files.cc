// SPDX-License-Identifier: Apache-2.0
#include "host/new_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/descriptor.h"

namespace coffer {
namespace {

Failure cannot_make(const std::filesystem::path& path) {
    Code code = errno == EEXIST                                       ? Code::conflict
                : errno == ENOSPC                                     ? Code::unavailable
                : errno == EACCES || errno == EPERM || errno == EROFS ? Code::not_allowed
                                                                      : Code::failed;
    return fail(code, "making ", path.native(), ": ", errno_text());
}

Result<void> write_durably(int fd, std::string_view text, const std::filesystem::path& path) {
    while (!text.empty()) {
        ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return cannot_make(path);
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    if (fsync(fd) != 0) return cannot_make(path);
    return {};
}

}  // namespace

NewFiles::~NewFiles() {
    std::error_code ignored;  // nothing more can be done, and the first error is the one to tell
    for (auto path = made_.rbegin(); path != made_.rend(); ++path)
        std::filesystem::remove_all(*path, ignored);
}

Result<void> NewFiles::expect_nothing(const std::filesystem::path& path) {
    struct stat status {};
    if (lstat(path.c_str(), &status) == 0)
        return fail(Code::conflict, path.native(), " exists already; nothing was changed");
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return fail(Code::failed, path.native(), ": ", errno_text());
}

Result<void> NewFiles::folder(const std::filesystem::path& path, mode_t mode) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) {
        if (S_ISDIR(status.st_mode)) return {};
        return fail(Code::conflict, path.native(), " is no folder; nothing was changed");
    }
    if (path.has_parent_path() && path.parent_path() != path) {
        COFFER_CHECK(folder(path.parent_path(), 0755));
    }
    // A path ending in a slash names the folder that its parent just was.
    if (!path.has_filename()) return {};
    if (mkdir(path.c_str(), mode) != 0) return cannot_make(path);
    made_.push_back(path);
    return {};
}

Result<void> NewFiles::file(const std::filesystem::path& path, std::string_view text, mode_t mode) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file) return cannot_make(path);
    made_.push_back(path);
    // Whatever the umask: cofferd and the tool refuse what others can write, and read what they are given.
    if (fchmod(file.get(), mode) != 0) return cannot_make(path);
    return write_durably(file.get(), text, path);
}

}  // namespace coffer
