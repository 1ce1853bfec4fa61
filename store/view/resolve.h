// SPDX-License-Identifier: Apache-2.0
//
// Which secret a path of the mount shows: docs/store-format.md, "Paths".
#pragma once

#include <optional>

#include "view/view.h"

namespace coffer {

// The most specific live secret for /org/project/domain/key: project+domain, project, domain, org. Only
// "there is none" falls through to the next. Code::invalid for bad names.
[[nodiscard]] Result<std::optional<Secret>> resolve(View& view, std::string_view org,
                                                    std::string_view project, std::string_view domain,
                                                    std::string_view key);

// The live secrets, wider than `name`, that `name` shadows where it is put and that show again where it is
// removed: the first one per path, the most specific first.
[[nodiscard]] Result<std::vector<Secret>> wider_live(View& view, const SecretName& name);

}  // namespace coffer
