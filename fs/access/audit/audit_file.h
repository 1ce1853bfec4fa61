// SPDX-License-Identifier: Apache-2.0
//
// AuditFile: the audit log's file. It is only ever appended to, by one process, a line by one write(2); it
// notices when it was rotated away or cut under its writer. Not thread-safe.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/descriptor.h"

namespace coffer {

class AuditFile {
  public:
    // Makes it (mode 0600) if need be. Refused: what is no regular file, another user's, open to others, or
    // being written by another process.
    [[nodiscard]] static Result<AuditFile> open(const std::filesystem::path& path);

    struct Last {
        std::uint64_t sequence = 0;
        Hash hash;
    };
    // The last whole line; none in a new file. Code::tampered when it is no line of an audit log.
    [[nodiscard]] Result<std::optional<Last>> last() const;

    // What became of the file since the last write: one fstat(2).
    enum class Fate : std::uint8_t {
        kept,
        deleted,  // nobody will ever read what is written to it
        cut,      // shorter than it was: logrotate's copytruncate
    };
    [[nodiscard]] Result<Fate> fate();
    [[nodiscard]] bool is_at_its_path() const;
    // It ends in half a line, which a crash or a full disk cut short; the next line starts on one of its own.
    [[nodiscard]] bool torn() const { return torn_; }

    // `line` ends in a line feed.
    [[nodiscard]] Result<void> append(std::string line);

  private:
    [[nodiscard]] Result<void> look_at_end();
    [[nodiscard]] Result<std::string> tail() const;

    std::filesystem::path path_;
    Descriptor file_;
    off_t size_ = 0;  // as this process left it
    bool torn_ = false;
    bool unfed_ = false;  // its last line is whole but for the line feed
};

}  // namespace coffer
