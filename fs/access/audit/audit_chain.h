// SPDX-License-Identifier: Apache-2.0
//
// AuditChain: checks the lines of an audit log one after the other, over one file or over several rotated
// ones, as docs/audit.md describes the chain. In memory is one line. It reads what somebody may have edited,
// and trusts nothing in it. A value; not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace coffer {

// Where the chain does not hold.
struct AuditBreak {
    std::string file;
    std::uint64_t line = 0;
    std::string problem;
    // Of the line, where a hash is what does not fit: the one that follows from the line before it, and the
    // one it has.
    std::optional<Hash> expected, found;
};

class AuditChain {
  public:
    // `anchor`: a hash that was once the last one, kept elsewhere; it has to come up.
    explicit AuditChain(std::optional<Hash> anchor = {}) : anchor_(anchor) {}

    void begin_file(std::string name);
    // The next line, without its line feed; `whole`: there was one. False once the chain is broken, and then
    // for good.
    bool take(std::string_view line, bool whole = true);
    bool end_file();

    [[nodiscard]] const std::optional<AuditBreak>& broken() const { return broken_; }
    // All of what holds: the lines before the break.
    [[nodiscard]] std::uint64_t records() const { return records_; }
    [[nodiscard]] std::uint64_t first_sequence() const { return first_sequence_; }
    [[nodiscard]] std::uint64_t last_sequence() const { return sequence_; }
    [[nodiscard]] const Hash& head() const { return previous_; }  // the last hash
    // The hash that the first line names, when the chain began in an earlier file.
    [[nodiscard]] const std::optional<Hash>& follows() const { return follows_; }
    [[nodiscard]] bool anchor_found() const { return !anchor_ || anchor_found_; }
    // The last file ends in half a line: a crash, a full disk, or a writer in the middle of it.
    [[nodiscard]] bool unfinished() const { return unfinished_; }

  private:
    bool fail_at(std::uint64_t line, std::string problem, std::optional<Hash> expected = {},
                 std::optional<Hash> found = {});
    bool take_first_of_file(const Hash& named);

    std::optional<Hash> anchor_, follows_;
    std::optional<AuditBreak> broken_;
    std::string file_;
    Hash previous_;
    std::uint64_t records_ = 0, sequence_ = 0, first_sequence_ = 0;
    std::uint64_t line_ = 0, records_of_file_ = 0;
    std::uint64_t torn_ = 0;  // the first of the half lines that no record has explained yet; 0: none
    bool anchor_found_ = false, unfinished_ = false;
};

// The whole of one file: the number of its records, or Code::tampered with the line that breaks the chain.
[[nodiscard]] Result<std::uint64_t> verify_audit(std::string_view text);

}  // namespace coffer
