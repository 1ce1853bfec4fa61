// SPDX-License-Identifier: Apache-2.0
//
// The mode of a file as everybody writes it.
#pragma once

#include <sys/types.h>

#include <algorithm>
#include <optional>
#include <string_view>

namespace coffer {

// "0440": four octal digits, of which the first is 0: neither setuid nor setgid nor sticky.
[[nodiscard]] inline std::optional<mode_t> parse_mode(std::string_view text) {
    const bool octal = std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; });
    if (text.size() != 4 || text.front() != '0' || !octal) return std::nullopt;
    mode_t mode = 0;
    for (char c : text) mode = mode * 8 + static_cast<mode_t>(c - '0');
    return mode;
}

}  // namespace coffer
