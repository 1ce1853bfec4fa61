// SPDX-License-Identifier: Apache-2.0
//
// How a command line names a scope, a secret or a pattern: as one PATH, "acme/checkout/production/KEY" with
// `*` for "all", or in flags, --org acme --project checkout --domain production KEY, where a flag left out
// is "all".
#pragma once

#include <array>
#include <optional>
#include <string>

#include "access/policy/glob.h"
#include "input/option_set.h"
#include "names/scope.h"

namespace coffer {

class ScopeOptions {
  public:
    void add_to(OptionSet& options, bool required = true);
    [[nodiscard]] Result<std::optional<Scope>> scope() const;  // nothing: neither a PATH nor a flag
    [[nodiscard]] Result<Scope> required_scope() const;

  private:
    std::optional<std::string> path_, org_, project_, domain_;
};

class SecretOptions {
  public:
    void add_to(OptionSet& options);
    [[nodiscard]] Result<SecretName> name() const;
    [[nodiscard]] Result<Scope> scope() const;  // for a verb whose PATH may be a whole scope

  private:
    std::string path_;
    std::optional<std::string> org_, project_, domain_;
};

// For `ls`: one to four segments or flags, in which `*` stands for any part of a name; what is left out
// matches anything.
class FilterOptions {
  public:
    void add_to(OptionSet& options);
    struct Filter {
        std::array<Glob, 4> segments{Glob::any(), Glob::any(), Glob::any(), Glob::any()};
        [[nodiscard]] bool matches(const SecretName& name) const;
    };
    [[nodiscard]] Result<Filter> filter() const;

  private:
    std::optional<std::string> path_, org_, project_, domain_;
};

}  // namespace coffer
