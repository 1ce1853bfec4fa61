// SPDX-License-Identifier: Apache-2.0
//
// The [[template]] tables of coffer.toml: which rendered files the mount has. Pure.
#pragma once

#include "access/config/config.h"
#include "access/config/toml_document.h"

namespace coffer {

// `member`: the key "template". Two files of one path are an error.
[[nodiscard]] Result<void> read_template_tables(const TomlMember& member, std::string_view file,
                                                std::vector<TemplateFile>& out);
[[nodiscard]] std::string write_template_tables(const std::vector<TemplateFile>& templates);

}  // namespace coffer
