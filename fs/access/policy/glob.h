// SPDX-License-Identifier: Apache-2.0
//
// Glob: a pattern in which '*' stands for any characters but '/', and '**' for any at all. Nothing else is
// special. Compiled once, matched often; no allocation when matching. A value; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace coffer {

class Glob {
  public:
    // At most eight stars.
    [[nodiscard]] static Result<Glob> compile(std::string_view pattern);
    [[nodiscard]] static Glob any();  // "**"
    [[nodiscard]] bool matches(std::string_view text) const;
    [[nodiscard]] const std::string& text() const { return pattern_; }
    [[nodiscard]] bool is_literal() const { return kind_ == Kind::literal; }  // it matches its text alone

  private:
    enum class Kind : unsigned char { literal, anything, general };
    Glob(std::string pattern, Kind kind) : pattern_(std::move(pattern)), kind_(kind) {}
    std::string pattern_;
    Kind kind_;
};

}  // namespace coffer
