// SPDX-License-Identifier: Apache-2.0
//
// What systemd lets a unit be called: UNIT_NAME_MAX and VALID_CHARS of its unit-name.c. Pure.
#pragma once

#include <algorithm>
#include <string_view>

namespace coffer {

inline constexpr std::size_t kMaxUnitName = 255;

// Whether each of its characters may be in the name of a unit; true for an empty text.
[[nodiscard]] inline bool has_unit_characters(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view(":-_.\\@").find(c) != std::string_view::npos;
    });
}

}  // namespace coffer
