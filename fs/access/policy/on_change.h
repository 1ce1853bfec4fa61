// SPDX-License-Identifier: Apache-2.0
//
// OnChange: what a rule wants done when a secret that it names has changed. It grants nothing and the daemon
// does nothing with it: `coffer watch` does. docs/policy.md, "on_change". A value.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "access/config/toml_document.h"
#include "base/result.h"

namespace coffer {

struct OnChange {
    std::vector<std::string> reload;  // services, by their whole names
    bool operator==(const OnChange&) const = default;
};

// The value of a rule's on_change. The error begins with file:line:column.
[[nodiscard]] Result<OnChange> read_on_change(const TomlValue& value, std::string_view file);

// A service by its whole name, as systemd.unit(5) spells it: no pattern, no template without its instance,
// nothing that systemctl(1) could take for an option.
[[nodiscard]] Result<void> check_service_name(std::string_view text);

}  // namespace coffer
