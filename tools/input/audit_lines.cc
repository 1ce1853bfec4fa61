// SPDX-License-Identifier: Apache-2.0
#include "input/audit_lines.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "session.h"

namespace coffer {
namespace {

constexpr std::size_t kBlock = 256u << 10, kMaxLine = 1u << 20;

Code code_of(int error) {
    if (error == ENOENT || error == ENOTDIR) return Code::not_found;
    return error == EACCES || error == EPERM ? Code::not_allowed : Code::failed;
}

}  // namespace

Result<std::vector<std::string>> audit_files(const CommonOptions& common,
                                             const std::vector<std::string>& named) {
    if (!named.empty()) return named;
    COFFER_TRY(auto config, find_and_load_config(common));
    if (config.audit_file.empty())
        return fail(Code::invalid, "the audit log of ", config.file.native(),
                    " goes to the journal alone; name files, or - for `journalctl -t cofferd -o cat "
                    "--output-fields=COFFER_RECORD`");
    return std::vector<std::string>{config.audit_file.native()};
}

Result<AuditLines> AuditLines::open(const std::string& file) {
    AuditLines lines;
    lines.name_ = file;
    lines.file_ = Descriptor(file == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                         : ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (!lines.file_) {
        int error = errno;
        return fail(code_of(error), "cannot open ", file, ": ", errno_text(error));
    }
    return lines;
}

Result<std::optional<std::string_view>> AuditLines::next() {
    for (;;) {
        if (std::size_t feed = buffer_.find('\n', scanned_); feed != buffer_.npos) {
            std::string_view line = std::string_view(buffer_).substr(begin_, feed - begin_);
            begin_ = scanned_ = feed + 1;
            return line;
        }
        buffer_.erase(0, begin_);
        begin_ = 0;
        const std::size_t held = scanned_ = buffer_.size();
        if (held > kMaxLine)
            return fail(Code::tampered, name_, " has a line of more than ", kMaxLine,
                        " bytes; that is no audit log");
        buffer_.resize(held + kBlock);
        ssize_t got;
        do {
            got = ::read(file_.get(), buffer_.data() + held, kBlock);
        } while (got < 0 && errno == EINTR);
        int error = errno;
        buffer_.resize(held + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got < 0) return fail(code_of(error), "cannot read ", name_, ": ", errno_text(error));
        if (got == 0) return std::nullopt;
        read_ += got;
    }
}

bool AuditLines::was_rotated() const {
    struct stat held {
    }, named{};
    if (::fstat(file_.get(), &held) != 0 || !S_ISREG(held.st_mode)) return false;
    if (held.st_size < read_) return true;
    return ::stat(name_.c_str(), &named) == 0 && (held.st_ino != named.st_ino || held.st_dev != named.st_dev);
}

}  // namespace coffer
