// SPDX-License-Identifier: Apache-2.0
//
// MountedSecrets: what this process may read of a project and domain through the mount. The policy decides,
// as for every other program; nothing here reads the store.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "keys/secret_buffer.h"
#include "names/scope.h"

namespace coffer {

class MountedSecrets {
  public:
    // Code::unavailable when nobody serves at `mount`, Code::not_found when this process sees nothing of the
    // scope, which needs a project and a domain, as a path of the mount does.
    [[nodiscard]] static Result<MountedSecrets> open(const std::filesystem::path& mount, const Scope& scope);

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] const std::vector<std::string>& keys() const {
        return keys_;
    }  // sorted; perhaps not readable
    // Code::not_found or Code::not_allowed for what this process may not read.
    [[nodiscard]] Result<SecretBuffer> value(const std::string& key) const;

  private:
    std::filesystem::path folder_;
    std::vector<std::string> keys_;
};

}  // namespace coffer
