// SPDX-License-Identifier: Apache-2.0
//
// Findings in a policy that parses: what is certainly, or very probably, not what was meant. Pure: the
// policy, the texts that it was parsed from and what is known of the host in, findings out. docs/policy.md,
// "Checking", lists them by name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/advice/host_facts.h"
#include "access/config/toml_document.h"
#include "access/policy/policy.h"

namespace coffer {

struct Finding {
    enum class Weight : std::uint8_t { note, warning };  // a note is no mistake, but has a consequence
    Weight weight = Weight::warning;
    std::string file;
    TomlPlace place;
    std::string_view check;  // "unknown-unit": a name for scripts, always a literal
    std::string rule;        // its name
    std::string text;
};

// In the order of the files, from the top.
[[nodiscard]] std::vector<Finding> lint(const Policy& policy, std::span<const PolicySource> sources,
                                        const HostFacts& host);

}  // namespace coffer
