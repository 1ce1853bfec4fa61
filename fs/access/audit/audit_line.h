// SPDX-License-Identifier: Apache-2.0
//
// The lines of the audit log as text: one JSON object each, whose last member is the hash that chains it to
// the line before. docs/audit.md. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "access/audit/audit.h"
#include "base/bytes.h"

namespace coffer {

using AuditTime = std::chrono::system_clock::time_point;

// All members but the hash, without the closing brace: `{"seq":1,...`.
[[nodiscard]] std::string decision_line(std::uint64_t sequence, AuditTime time, const Caller& caller,
                                        const AuditEvent& event);
// The same decision again, `count` times since the line with `sequence` `first`.
[[nodiscard]] std::string repeat_line(std::uint64_t sequence, AuditTime time, std::uint64_t first,
                                      std::uint64_t count);
[[nodiscard]] std::string note_line(std::uint64_t sequence, AuditTime time, std::string_view kind,
                                    std::string_view detail);
// The first line of a file after a rotation: the hash of the line before it, which is in another file.
[[nodiscard]] std::string continued_line(std::uint64_t sequence, AuditTime time, const Hash& previous);
[[nodiscard]] std::optional<Hash> continued_from(std::string_view line);  // none: not such a line

// What kind of line it says it is; empty: none.
[[nodiscard]] std::string_view kind_of(std::string_view line);

// BLAKE2b-256("coffer/audit/1" | previous | line).
[[nodiscard]] Hash audit_hash(const Hash& previous, std::string_view line);
// The line as it stands in the file: with its hash, the brace and the line feed.
[[nodiscard]] std::string sealed_line(std::string line, const Hash& hash);

// What a line of the file says of itself; `body` points into it.
struct AuditLink {
    std::string_view body;
    Hash hash;
    std::uint64_t sequence = 0;
};
[[nodiscard]] Result<AuditLink> read_link(std::string_view line);  // without its line feed

}  // namespace coffer
