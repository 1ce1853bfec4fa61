// SPDX-License-Identifier: Apache-2.0
//
// The invocation id of a system unit: new at each start of the unit. The system's manager keeps a link
// "invocation:UNIT" for each running unit in /run/systemd/units (systemd 240 and later), readable to all and
// writable by root alone; the INVOCATION_ID of a process's environment is the process's to choose.
// Thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace coffer {

inline constexpr std::string_view kUnitLinks = "/run/systemd/units";

// 32 hexadecimal digits, or empty where it is not known.
[[nodiscard]] std::string read_invocation_id(std::string_view unit,
                                             const std::filesystem::path& folder = kUnitLinks);

}  // namespace coffer
