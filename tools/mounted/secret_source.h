// SPDX-License-Identifier: Apache-2.0
//
// SecretSource: the secrets of one place, org/project/domain, as a program there sees them. They come through
// the mount, where the policy decides what this process may read, or, for whoever gives --identity, from the
// store, where that identity decides and restricted secrets are nobody's to reveal.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "command.h"
#include "keys/secret_buffer.h"
#include "names/scope.h"

namespace coffer {

class SecretSource {
  public:
    class Options {
      public:
        void add_to(OptionSet& options);
        [[nodiscard]] bool has_scope() const { return scope_.has_value(); }

      private:
        friend class SecretSource;
        std::optional<std::string> scope_, mount_;
    };
    [[nodiscard]] static Result<std::unique_ptr<SecretSource>> open(const CommonOptions& common,
                                                                    const Options& options, Output& out);
    virtual ~SecretSource() = default;
    SecretSource(const SecretSource&) = delete;
    SecretSource& operator=(const SecretSource&) = delete;

    // Those that can be read, sorted.
    [[nodiscard]] virtual Result<std::vector<std::string>> keys() = 0;
    [[nodiscard]] virtual Result<SecretBuffer> read(const std::string& key) = 0;
    // Where the mount shows them; Code::invalid when nobody names a mount.
    [[nodiscard]] Result<std::filesystem::path> folder() const;
    [[nodiscard]] const Scope& place() const { return place_; }

  protected:
    SecretSource(Scope place, std::filesystem::path mount)
        : place_(std::move(place)), mount_(std::move(mount)) {}

  private:
    Scope place_;  // with a project and a domain
    std::filesystem::path mount_;
};

}  // namespace coffer
