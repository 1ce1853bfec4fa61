// SPDX-License-Identifier: Apache-2.0
//
// TemplateFilter: how a value is written into a file of some format. Pure; from any memory into locked
// memory. docs/templates.md says what each writes. Errors never say anything of the value but what it is not.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "keys/secret_buffer.h"

namespace coffer {

// What a template may render to, and each step on the way.
inline constexpr std::size_t kMaxRendered = 1u << 20;

enum class TemplateFilter : std::uint8_t {
    base64encode,  // RFC 4648, with padding, on one line
    json,          // a JSON string (RFC 8259), its quotes included; of UTF-8 alone
    urlencode,     // %XX for all but A-Z a-z 0-9 - . _ ~ (RFC 3986)
    shellquote,    // one word of a POSIX shell, always in single quotes; of a value without NUL
};

[[nodiscard]] std::optional<TemplateFilter> template_filter(std::string_view name);
[[nodiscard]] std::string_view template_filter_names();  // for messages: "base64encode, json, ..."

// Code::invalid for a value that cannot be written so, Code::limit past kMaxRendered.
[[nodiscard]] Result<SecretBuffer> apply_filter(TemplateFilter filter, ByteView value);

}  // namespace coffer
