// SPDX-License-Identifier: Apache-2.0
//
// MountedSecrets: what this process may read through the mount. The policy decides, as for every other
// program; nothing here reads the store. Directories are scopes with a project and a domain, as a path of the
// mount is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "keys/secret_buffer.h"
#include "names/scope.h"

namespace coffer {

// Code::invalid for a scope that is no directory of the mount.
[[nodiscard]] Result<Scope> parse_directory(std::string_view text);

// `given` on the command line, else the configuration's; not looked at. Code::invalid when neither names one.
[[nodiscard]] Result<std::filesystem::path> mount_point(const CommonOptions& common,
                                                        const std::optional<std::string>& given);

class MountedSecrets {
  public:
    // Code::unavailable when nobody serves there: a plain folder is never taken for the mount, and a mount
    // without a daemon never waited for.
    [[nodiscard]] static Result<MountedSecrets> open(std::filesystem::path mount);

    [[nodiscard]] std::filesystem::path folder(const Scope& directory) const {
        return mount_ / directory.org / directory.project / directory.domain;
    }
    // Sorted, rendered files left out; not each of them may be read. Code::not_found when there is none for
    // this process.
    [[nodiscard]] Result<std::vector<std::string>> keys(const Scope& directory) const;
    // Code::not_found: there is none, or this process may not read it and is not told so.
    [[nodiscard]] Result<SecretBuffer> read(const Scope& directory, std::string_view key) const;

  private:
    explicit MountedSecrets(std::filesystem::path mount) : mount_(std::move(mount)) {}
    std::filesystem::path mount_;
};

}  // namespace coffer
