// SPDX-License-Identifier: Apache-2.0
//
// PathCandidates: what a shell may put in place of the beginning of a path, a segment at a time, as it does
// for files: "acme/ch" becomes "acme/checkout/", and only behind the last slash come KEYs. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace coffer {

class PathCandidates {
  public:
    explicit PathCandidates(std::string_view typed) : typed_(typed) {}
    // "acme/checkout/production/KEY", or a scope.
    void add(std::string_view path);
    // In order; those that go on end with a slash.
    [[nodiscard]] const std::set<std::string, std::less<>>& words() const { return words_; }

  private:
    std::string typed_;
    std::set<std::string, std::less<>> words_;
};

}  // namespace coffer
