// SPDX-License-Identifier: Apache-2.0
//
// Moments as people write them: RFC 3339 in UTC out, RFC 3339 with any offset or a time from now in. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace coffer {

// Milliseconds since 1970 as "2026-11-21T05:11:14Z", the fraction dropped; a claim of a signer may be any
// number, and one past the year 9999 is shown as "+" and its milliseconds.
[[nodiscard]] std::string moment_text(std::uint64_t ms);
// How long ago, in the largest unit that says enough: "40s", "12m", "30h", "5d". "0s" for what is not over
// yet.
[[nodiscard]] std::string age_text(std::uint64_t then, std::uint64_t now);

// "30d", "12h", "45m", "90s" or "2w" after `now`, or "2027-01-31T00:00:00Z", "2027-01-31T00:00:00.5+01:00".
// Code::invalid for anything else and for what is not after `now`.
[[nodiscard]] Result<std::uint64_t> parse_expiry(std::string_view text, std::uint64_t now);

}  // namespace coffer
