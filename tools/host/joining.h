// SPDX-License-Identifier: Apache-2.0
//
// `init --join`: a configuration for a store that is there already, from the pin that `member add` or
// `host add` printed. The pin says which store, whose, and how far it had come: a store that is another, or
// older, is refused from the first look on.
#pragma once

#include <optional>
#include <string>

#include "output/output.h"

namespace coffer {

struct JoinRequest {
    std::string pin, store, identity;
    std::optional<std::string> dir;
};
[[nodiscard]] Result<void> join_store(const JoinRequest& request, Output& out);

}  // namespace coffer
