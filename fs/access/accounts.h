// SPDX-License-Identifier: Apache-2.0
//
// The host's users and groups by name. An unknown one is an error, never somebody else. Thread-safe.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace coffer {

[[nodiscard]] Result<uid_t> find_user(const std::string& name);   // Code::not_found
[[nodiscard]] Result<gid_t> find_group(const std::string& name);  // Code::not_found

}  // namespace coffer
