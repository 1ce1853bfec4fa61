// SPDX-License-Identifier: Apache-2.0
//
// PolicyTexts: the policy files that a command looks at, as texts and parsed. Whoever they belong to: the
// command decides nothing by them, and a copy that is being worked on is looked at before it is put in place.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "access/policy/policy.h"
#include "command.h"

namespace coffer {

struct PolicyTexts {
    std::vector<PolicySource> sources;
    std::shared_ptr<const Policy> policy;
};

// Folders stand for the *.toml in them, in the order of their names, as the daemon takes them. Code::invalid
// with file:line:column for what the daemon would refuse.
[[nodiscard]] Result<PolicyTexts> read_policy(const std::vector<std::filesystem::path>& named);
// `named`, else the folder of the configuration.
[[nodiscard]] Result<PolicyTexts> read_policy(const CommonOptions& common,
                                              const std::vector<std::string>& named);

// A whole audit file.
[[nodiscard]] Result<std::string> read_audit_file(const std::string& file);

}  // namespace coffer
