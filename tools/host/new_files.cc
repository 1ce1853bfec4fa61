// SPDX-License-Identifier: Apache-2.0
#include "host/new_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <set>

#include "base/descriptor.h"
#include "base/file.h"

namespace coffer {
namespace {

Failure exists_already(const std::filesystem::path& path) {
    return fail(Code::conflict, path.native(), " exists already; nothing was changed");
}

Failure cannot_make(const std::filesystem::path& path) {
    if (errno == EEXIST) return exists_already(path);
    Code code = errno == ENOSPC                                       ? Code::unavailable
                : errno == EACCES || errno == EPERM || errno == EROFS ? Code::not_allowed
                                                                      : Code::failed;
    return fail(code, "making ", path.native(), ": ", errno_text());
}

// "backups/" is the folder "backups".
std::filesystem::path without_slash(const std::filesystem::path& path) {
    return path.has_filename() || path == path.parent_path() ? path : path.parent_path();
}

}  // namespace

NewFiles::~NewFiles() {
    std::error_code ignored;  // nothing more can be done, and the first error is the one to tell
    for (auto path = made_.rbegin(); path != made_.rend(); ++path)
        std::filesystem::remove_all(*path, ignored);
}

Result<void> NewFiles::expect_nothing(const std::filesystem::path& path) {
    struct stat status {};
    if (lstat(without_slash(path).c_str(), &status) == 0) return exists_already(path);
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return fail(Code::failed, path.native(), ": ", errno_text());
}

Result<void> NewFiles::folder(const std::filesystem::path& path, mode_t mode) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return new_folder(path, mode);
    if (S_ISDIR(status.st_mode)) return {};
    return fail(Code::conflict, path.native(), " is no folder; nothing was changed");
}

Result<void> NewFiles::new_folder(const std::filesystem::path& path, mode_t mode) {
    const std::filesystem::path made = without_slash(path);
    if (made.has_parent_path() && made.parent_path() != made) {
        COFFER_CHECK(folder(made.parent_path(), 0755));
    }
    if (mkdir(made.c_str(), mode) != 0) return cannot_make(path);
    made_.push_back(made);
    return sync_name(made);
}

Result<void> NewFiles::sync() const {
    std::set<std::filesystem::path> synced;
    for (const auto& path : made_) {
        if (synced.insert(path.parent_path()).second) COFFER_CHECK(sync_name(path));
    }
    return {};
}

Result<void> NewFiles::file(const std::filesystem::path& path, std::string_view text, mode_t mode) {
    const ByteView whole = as_bytes(text);
    return file(path, std::span(&whole, 1), mode);
}

Result<void> NewFiles::file(const std::filesystem::path& path, std::span<const ByteView> parts, mode_t mode) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file) return cannot_make(path);
    made_.push_back(path);
    // Whatever the umask: cofferd and the tool refuse what others can write, and read what they are given.
    if (fchmod(file.get(), mode) != 0) return cannot_make(path);
    for (ByteView part : parts)
        if (!write_all(file.get(), part)) return cannot_make(path);
    if (fsync(file.get()) != 0) return cannot_make(path);
    return {};
}

}  // namespace coffer
