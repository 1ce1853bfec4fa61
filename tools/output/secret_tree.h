// SPDX-License-Identifier: Apache-2.0
//
// SecretTree: the directories org/project/domain that a mount of the store has, and which secret each KEY in
// them shows: docs/store-format.md, "Paths". It is the whole tree; the policy then shows each caller its part
// of it. Pure; it points into what it was made from.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "view/view.h"

namespace coffer {

struct TreePlace {
    std::string org, project, domain;
    std::map<std::string, const Secret*> keys;
};

// In the order of their names. `secrets`: those without a live version are left out.
[[nodiscard]] std::vector<TreePlace> secret_tree(const std::vector<Scope>& scopes,
                                                 const std::vector<Secret>& secrets);

}  // namespace coffer
