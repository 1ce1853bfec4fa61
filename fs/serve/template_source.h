// SPDX-License-Identifier: Apache-2.0
//
// TemplateSource: the file with the text of a rendered file's template, read again when it has changed. What
// cannot be taken (loosely owned, not in order) leaves the last good text in force, as with the policy. One
// thread reads; what it has read is immutable and shared.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "access/template/template.h"
#include "base/bytes.h"

namespace coffer {

struct TemplateText {
    Template parsed;
    Hash hash;                  // of the text
    std::uint64_t time_ms = 0;  // of the file's last change
};

class TemplateSource {
  public:
    explicit TemplateSource(std::filesystem::path file) : file_(std::move(file)) {}

    // Looks whether the file has changed, and then reads it. True: it was read, or could not be.
    [[nodiscard]] bool refresh();
    // The last good text; null before there was one.
    [[nodiscard]] const std::shared_ptr<const TemplateText>& text() const { return text_; }
    // Why the file as it is now cannot be taken; nothing when it is in force.
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }
    [[nodiscard]] const std::filesystem::path& file() const { return file_; }

  private:
    // What tells that a file is another one or was written to. All zero: it is not there.
    struct Stamp {
        dev_t device = 0;
        ino_t node = 0;
        off_t size = 0;
        std::int64_t changed_ns = 0, modified_ns = 0;
        bool operator==(const Stamp&) const = default;
    };
    [[nodiscard]] Stamp stamp() const;
    [[nodiscard]] Result<std::shared_ptr<const TemplateText>> read() const;

    std::filesystem::path file_;
    std::optional<Stamp> seen_;
    std::shared_ptr<const TemplateText> text_;
    std::optional<Error> error_;
};

}  // namespace coffer
