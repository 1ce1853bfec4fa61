// SPDX-License-Identifier: Apache-2.0
#include "access/policy/glob.h"

#include <algorithm>

#include "names/name.h"

namespace coffer {
namespace {

constexpr int kMaxStars = 8;

// Matches in time |text| * |text| * |pattern| at worst, for an executable's path is the caller's to choose:
// only the last star of each kind is ever tried again. For "**" that is enough because a later "**" takes
// over whatever an earlier one could have taken. For "*" it is enough because the slashes of the pattern say
// how many segments the text before the later star has: two ways to get there differ within one segment.
bool match(std::string_view pattern, std::string_view text) {
    struct Retry {
        std::size_t pattern = std::string_view::npos;  // just after the star; npos: no star yet
        std::size_t text = 0;                          // how far the star reaches so far
    } star, deep;
    std::size_t p = 0, t = 0;
    for (;;) {
        if (p < pattern.size() && pattern[p] == '*') {
            bool two = p + 1 < pattern.size() && pattern[p + 1] == '*';
            p += two ? 2 : 1;
            if (two) star = {};
            (two ? deep : star) = {p, t};
        } else if (t < text.size() && p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (t == text.size() && p == pattern.size()) {
            return true;
        } else if (star.pattern != pattern.npos && star.text < text.size() && text[star.text] != '/') {
            p = star.pattern;
            t = ++star.text;
        } else if (deep.pattern != pattern.npos && deep.text < text.size()) {
            star = {};
            p = deep.pattern;
            t = ++deep.text;
        } else {
            return false;
        }
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
