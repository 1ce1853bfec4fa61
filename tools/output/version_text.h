// SPDX-License-Identifier: Apache-2.0
//
// A version of a secret in words and as JSON, the same in get, ls and history.
#pragma once

#include <string>
#include <string_view>

#include "input/moment.h"
#include "output/output.h"
#include "view/view.h"

namespace coffer {

// "live", "expired", "superseded", "purged" or "removed".
[[nodiscard]] std::string_view version_state(const Secret& secret, const Version& version);
// "never", or the moment.
[[nodiscard]] std::string expiry_text(const Version& version);
[[nodiscard]] Json version_json(const Secret& secret, const Version& version, std::string_view signer);

}  // namespace coffer
