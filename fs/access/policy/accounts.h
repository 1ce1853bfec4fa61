// SPDX-License-Identifier: Apache-2.0
//
// The host's users and groups by name. An unknown one is an error, never somebody else. Thread-safe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace coffer {

[[nodiscard]] Result<uid_t> find_user(const std::string& name);   // Code::not_found
[[nodiscard]] Result<gid_t> find_group(const std::string& name);  // Code::not_found

// For people; none where the number has no name here.
[[nodiscard]] std::optional<std::string> user_name(uid_t uid);
[[nodiscard]] std::optional<std::string> group_name(gid_t gid);
// The groups that a process of this user is started with, its own first. Empty for an unknown user.
[[nodiscard]] std::vector<gid_t> groups_of(const std::string& user);

}  // namespace coffer
