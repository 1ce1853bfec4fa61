// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "access/audit/audit_line.h"

namespace coffer {
namespace {

constexpr std::size_t kTailBytes = 64u << 10;  // more than any line has

Result<struct stat> status_of(int file, const std::filesystem::path& path) {
    struct stat status {};
    if (::fstat(file, &status) != 0)
        return fail(Code::failed, "cannot examine ", path.native(), ": ", errno_text());
    return status;
}

}  // namespace

Result<AuditFile> AuditFile::open(const std::filesystem::path& path) {
    AuditFile out;
    out.path_ = path;
    out.file_ = Descriptor(::open(
        path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600));
    if (!out.file_)
        return fail(Code::failed, "cannot open the audit log ", path.native(), ": ", errno_text());
    COFFER_TRY(struct stat status, status_of(out.file_.get(), path));
    if (!S_ISREG(status.st_mode))
        return fail(Code::not_allowed, "the audit log ", path.native(), " is no regular file");
    if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0)
        return fail(Code::not_allowed, "the audit log ", path.native(), " must belong to uid ", ::geteuid(),
                    " and be closed to others; run `chmod 0600`, or name another in audit_file");
    // Two writers would tear each other's chain.
    if (::flock(out.file_.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(Code::unavailable, "the audit log ", path.native(),
                    " is being written by another process; stop it, or name another in audit_file");
    COFFER_CHECK(out.look_at_end());
    return out;
}

Result<void> AuditFile::look_at_end() {
    COFFER_TRY(struct stat status, status_of(file_.get(), path_));
    size_ = status.st_size;
    COFFER_TRY(std::string text, tail());
    std::string_view rest = std::string_view(text).substr(text.find_last_of('\n') + 1);  // npos + 1 is 0
    unfed_ = !rest.empty() && read_link(rest);
    torn_ = !rest.empty() && !unfed_;
    return {};
}

// The end of the file: enough to hold its last line.
Result<std::string> AuditFile::tail() const {
    auto size = static_cast<std::size_t>(size_);
    std::string text(std::min(size, kTailBytes), '\0');
    ssize_t got = ::pread(file_.get(), text.data(), text.size(), static_cast<off_t>(size - text.size()));
    if (got != static_cast<ssize_t>(text.size()))
        return fail(Code::failed, "cannot read ", path_.native(), ": ", errno_text());
    return text;
}

Result<std::optional<AuditFile::Last>> AuditFile::last() const {
    COFFER_TRY(std::string text, tail());
    std::size_t feed = text.find_last_of('\n');
    const bool one_line = feed == text.npos && text.size() < kTailBytes;
    if (text.empty() || (torn_ && one_line)) return std::nullopt;
    if (!unfed_) text.erase(feed == text.npos ? 0 : feed);
    auto link = read_link(std::string_view(text).substr(text.find_last_of('\n') + 1));
    if (!link)
        return fail(Code::tampered, "the audit log ", path_.native(),
                    " does not end in a line of an audit log; move it away, and a new chain begins");
    return Last{link->sequence, link->hash};
}

Result<AuditFile::Fate> AuditFile::fate() {
    COFFER_TRY(struct stat status, status_of(file_.get(), path_));
    if (status.st_nlink == 0) return Fate::deleted;
    if (status.st_size >= size_) return Fate::kept;
    COFFER_CHECK(look_at_end());
    return Fate::cut;
}

bool AuditFile::is_at_its_path() const {
    struct stat held {
    }, named{};
    return ::fstat(file_.get(), &held) == 0 && ::lstat(path_.c_str(), &named) == 0 &&
           held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

Result<void> AuditFile::append(std::string line) {
    if (torn_ || unfed_) line.insert(0, 1, '\n');
    ssize_t written = ::write(file_.get(), line.data(), line.size());
    int error = errno;
    if (written > 0) size_ += written;
    const auto size = static_cast<ssize_t>(line.size());
    if (written < size - 1) {
        torn_ = torn_ || written > 0;
        return fail(Code::failed, "cannot write the audit log ", path_.native(), ": ",
                    written < 0 ? errno_text(error) : "the disk is full");
    }
    torn_ = false;
    unfed_ = written < size;
    return {};
}

}  // namespace coffer
