// SPDX-License-Identifier: Apache-2.0
//
// ChangedSecret: the secret that an operation of the log is about, and the paths of a mount that show another
// version since. For `watch`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "log/operation.h"
#include "view/view.h"

namespace coffer {

struct ChangedSecret {
    SecretName name;
    std::uint64_t version = 0;
    // A purge destroys a version that no path shows.
    bool shows = true;
};

// Nothing for an operation that is about principals or scope keys.
[[nodiscard]] std::optional<ChangedSecret> changed_secret(const Operation& operation, const Roster& roster);

// A path at which `name`, or what it hides, is seen; and the secret that it shows now.
struct AffectedPath {
    std::string org, project, domain, key;
    std::optional<Secret> shown;  // none: there is no file
    [[nodiscard]] std::string text() const;
};
// Not those where a secret of a narrower scope hides it: there nothing has changed.
[[nodiscard]] Result<std::vector<AffectedPath>> affected_paths(View& view, const SecretName& name);

}  // namespace coffer
