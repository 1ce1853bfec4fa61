// SPDX-License-Identifier: Apache-2.0
//
// MountedValues: secrets as this process may read them, through the mount and never around the policy.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "command.h"
#include "keys/secret_buffer.h"
#include "names/scope.h"

namespace coffer {

class MountedValues {
  public:
    // `mount`, else the configuration's. Code::unavailable when nobody serves it.
    [[nodiscard]] static Result<MountedValues> open(const CommonOptions& common,
                                                    const std::optional<std::string>& mount);
    // The value that the mount shows for KEY in this directory. Code::not_found: there is none, or this
    // process may not read it and is not told so.
    [[nodiscard]] Result<SecretBuffer> read(const Scope& directory, std::string_view key) const;
    [[nodiscard]] const std::filesystem::path& mount() const { return mount_; }

  private:
    explicit MountedValues(std::filesystem::path mount) : mount_(std::move(mount)) {}
    std::filesystem::path mount_;
};

}  // namespace coffer
