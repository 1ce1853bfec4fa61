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

namespace coffer {

// Three names, none of them "all": what a path of the mount begins with.
struct ServedPlace {
    std::string org, project, domain;
    [[nodiscard]] static Result<ServedPlace> parse(std::string_view text);
    [[nodiscard]] std::string text() const { return org + '/' + project + '/' + domain; }
};

class SecretSource {
  public:
    class Options {
      public:
        void add_to(CLI::App& app);
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
    [[nodiscard]] const ServedPlace& place() const { return place_; }

  protected:
    SecretSource(ServedPlace place, std::filesystem::path mount)
        : place_(std::move(place)), mount_(std::move(mount)) {}

  private:
    ServedPlace place_;
    std::filesystem::path mount_;
};

}  // namespace coffer
