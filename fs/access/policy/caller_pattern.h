// SPDX-License-Identifier: Apache-2.0
//
// CallerPattern: a pattern of a unit, slice or cgroup: either a Glob, or a text with captures, as in
// "coffer-{project}-{domain}.slice". A value; thread-safe.
//
// A capture stands for one or more characters other than '/' and other than the one that follows it in the
// pattern, so that there is one way to match. In the name of a slice it never has '-', which there separates
// the levels: "coffer-a-b-c.slice" could else be project a-b as well as project a. A name with a dash in it
// is escaped by systemd, and what is captured is read back: "a\x2db" is a-b (systemd.unit(5), "String
// escaping").
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "access/policy/glob.h"

namespace coffer {

using Captures = std::vector<std::pair<std::string, std::string>>;  // name and value, sorted

// The names in braces, in order, "{a}/{b}" giving a and b; an error for an unclosed, empty or badly named
// one.
[[nodiscard]] Result<std::vector<std::string>> capture_names(std::string_view text);
// `text` with the captures replaced; each must be there. Without captures: each by '*'.
[[nodiscard]] std::string substitute(std::string_view text, const Captures* captures);

class CallerPattern {
  public:
    enum class Of : unsigned char { unit, slice, cgroup };
    [[nodiscard]] static Result<CallerPattern> compile(std::string_view text, Of of);

    // The values of the captures; none when the text does not match.
    [[nodiscard]] std::optional<Captures> match(std::string_view text) const;
    [[nodiscard]] bool matches(std::string_view text) const {
        return parts_.empty() ? glob_.matches(text) : match(text).has_value();
    }
    [[nodiscard]] bool has_captures() const { return !parts_.empty(); }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    struct Part {
        std::string literal, capture;  // the literal comes first; the last part may have no capture
    };
    CallerPattern(std::string text, Glob glob, Of of)
        : text_(std::move(text)), glob_(std::move(glob)), of_(of) {}

    std::string text_;
    Glob glob_;  // where there is no capture
    std::vector<Part> parts_;
    Of of_;
};

}  // namespace coffer
