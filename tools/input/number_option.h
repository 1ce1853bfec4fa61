// SPDX-License-Identifier: Apache-2.0
//
// NumberOption: a number that may be given on the command line, "--if-version N".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "input/option_set.h"

namespace coffer {

class NumberOption {
  public:
    // `name` as in the help, "-n,--limit".
    void add_to(OptionSet& options, const std::string& name, const std::string& description);
    // Nothing where it was not given.
    [[nodiscard]] Result<std::optional<std::uint64_t>> value() const;

  private:
    std::string name_;  // without a short form
    std::optional<std::string> text_;
};

// A decimal number without sign or leading zeros.
[[nodiscard]] Result<std::uint64_t> parse_number(std::string_view what, std::string_view text);

}  // namespace coffer
