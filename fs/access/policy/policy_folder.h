// SPDX-License-Identifier: Apache-2.0
//
// The folder of *.toml policy files, read in the order of their names. The folder and each file must be owned
// by root or by this user and not be writable by group or others, or the whole is refused.
#pragma once

#include <filesystem>
#include <memory>

#include "access/policy/policy.h"

namespace coffer {

// The files that count, in their order. `folder` is not checked.
[[nodiscard]] Result<std::vector<std::filesystem::path>> list_policy_files(
    const std::filesystem::path& folder);
[[nodiscard]] Result<std::shared_ptr<const Policy>> load_policy_folder(const std::filesystem::path& folder);

}  // namespace coffer
