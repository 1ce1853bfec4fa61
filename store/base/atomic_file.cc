// SPDX-License-Identifier: Apache-2.0
#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/descriptor.h"
#include "base/file.h"

namespace coffer {
Result<std::optional<std::string>> read_small_file(const std::filesystem::path& path, std::size_t limit) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!file && errno == ENOENT) return std::nullopt;
    if (!file) return fail(Code::unavailable, "opening ", path.string(), ": ", errno_text());
    struct stat status {};
    if (fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return fail(Code::invalid, path.string(), " is no regular file");
    COFFER_TRY(auto content, read_to_end(file.get(), limit, path.string()));
    return content;
}

Result<void> replace_file(const std::filesystem::path& path, std::string_view content, mode_t mode) {
    // A name of its own for each writer: two tools may write the same file at once, and the later rename
    // wins.
    std::string temporary = concat(path.string(), ".", ::getpid(), ".new");
    ::unlink(temporary.c_str());  // left by a crash of a process with the same number
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) return fail(Code::unavailable, "making ", temporary, ": ", errno_text());
    Result<void> written;
    // Exactly this mode, whatever the umask; before there is anything to be read.
    if (fchmod(file.get(), mode) != 0 || !write_all(file.get(), as_bytes(content)) || fsync(file.get()) != 0)
        written = fail(Code::unavailable, "writing ", temporary, ": ", errno_text());
    if (written && ::rename(temporary.c_str(), path.c_str()) != 0)
        written = fail(Code::unavailable, "renaming ", temporary, ": ", errno_text());
    if (!written) ::unlink(temporary.c_str());
    // Else a loss of power could bring back the old file, after somebody was told that it is replaced.
    if (written) written = sync_name(path);
    return written;
}

}  // namespace coffer
