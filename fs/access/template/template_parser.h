// SPDX-License-Identifier: Apache-2.0
//
// From the text of a template to a Template. Pure. The language is docs/templates.md; what it does not have
// is an error with file:line:column, for a template that half works makes a configuration that half works.
#pragma once

#include <string_view>

#include "access/template/template.h"

namespace coffer {

inline constexpr std::size_t kMaxTemplate = 1u << 20;    // bytes of its text
inline constexpr std::size_t kMaxTemplateSecrets = 256;  // different ones

// `name`: of the file, for messages. Code::invalid.
[[nodiscard]] Result<Template> parse_template(std::string_view text, std::string_view name);

}  // namespace coffer
