// SPDX-License-Identifier: Apache-2.0
#include "access/glob.h"

#include <algorithm>

#include "names/name.h"

namespace coffer {
namespace {

constexpr int kMaxStars = 8;

// Tries every length for each star; kMaxStars bounds the depth.
bool match(std::string_view pattern, std::string_view text) {
    while (!pattern.empty() && pattern.front() != '*') {
        if (text.empty() || text.front() != pattern.front()) return false;
        pattern.remove_prefix(1);
        text.remove_prefix(1);
    }
    if (pattern.empty()) return text.empty();
    const bool deep = pattern.starts_with("**");
    pattern.remove_prefix(deep ? 2 : 1);
    for (std::size_t taken = 0;; ++taken) {
        if (match(pattern, text.substr(taken))) return true;
        if (taken == text.size() || (!deep && text[taken] == '/')) return false;
    }
}

}  // namespace

Result<Glob> Glob::compile(std::string_view pattern) {
    if (pattern.empty()) return fail(Code::invalid, "an empty pattern matches nothing");
    if (pattern.find("***") != pattern.npos)
        return fail(Code::invalid, '"', printable(pattern), "\" has three stars in a row; use * or **");
    auto stars = std::count(pattern.begin(), pattern.end(), '*');
    if (stars > kMaxStars)
        return fail(Code::invalid, '"', printable(pattern), "\" has ", stars, " stars; at most ", kMaxStars);
    Kind kind = stars == 0 ? Kind::literal : pattern == "**" ? Kind::anything : Kind::general;
    return Glob(std::string(pattern), kind);
}

Glob Glob::any() {
    return Glob("**", Kind::anything);
}

bool Glob::matches(std::string_view text) const {
    switch (kind_) {
        case Kind::literal:
            return text == pattern_;
        case Kind::anything:
            return true;
        case Kind::general:
            return match(pattern_, text);
    }
    return false;
}

}  // namespace coffer
