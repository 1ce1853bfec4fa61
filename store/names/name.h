// SPDX-License-Identifier: Apache-2.0
//
// The rule for every name that becomes a path segment, in the store and in the mount alike:
// [A-Za-z0-9._-], not starting with '.' or '-'. ASCII only, so that what is compared is what is seen.
#pragma once

#include <string_view>

#include "base/result.h"

namespace coffer {

inline constexpr std::size_t kMaxSegment = 64;
inline constexpr std::size_t kMaxKey = 128;

// `what` names the thing in the error: "project", "KEY", "member name". Thread-safe.
[[nodiscard]] Result<void> check_segment(std::string_view what, std::string_view segment,
                                         std::size_t limit = kMaxSegment);
[[nodiscard]] inline Result<void> check_key(std::string_view key) {
    return check_segment("KEY", key, kMaxKey);
}

// For messages: `text` with everything that is not printable ASCII escaped, at most 80 characters.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace coffer
