// SPDX-License-Identifier: Apache-2.0
//
// AuditLines: the lines of one file of the audit log, or of a pipe, however large. At most one line and one
// block are in memory.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "command.h"

namespace coffer {

// The files that were named, else audit_file of the configuration.
[[nodiscard]] Result<std::vector<std::string>> audit_files(const CommonOptions& common,
                                                           const std::vector<std::string>& named);

class AuditLines {
  public:
    // "-" is stdin.
    [[nodiscard]] static Result<AuditLines> open(const std::string& file);
    [[nodiscard]] const std::string& name() const { return name_; }

    // The next line that ends in a line feed, without it; nothing at the end, where more may come later.
    // Valid until the next call. Code::tampered for a line of more than a megabyte.
    [[nodiscard]] Result<std::optional<std::string_view>> next();
    // What stands behind the last line feed, once next() gave nothing.
    [[nodiscard]] std::string_view rest() const { return std::string_view(buffer_).substr(begin_); }

    // At its path is another file by now, or this one was cut: a rotation.
    [[nodiscard]] bool was_rotated() const;

  private:
    std::string name_, buffer_;
    Descriptor file_;
    std::size_t begin_ = 0;    // of the line that comes next
    std::size_t scanned_ = 0;  // before it is no line feed
    off_t read_ = 0;
};

}  // namespace coffer
