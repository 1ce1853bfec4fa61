// SPDX-License-Identifier: Apache-2.0
#include "access/advice/rule_cover.h"

#include <algorithm>

namespace coffer {
namespace {

// One of the outer alternatives for each inner one. A selector that is absent names everybody.
template <class T, class Covers>
bool covers_each(const std::optional<std::vector<T>>& outer, const std::optional<std::vector<T>>& inner,
                 Covers one_covers) {
    if (!outer) return true;
    if (!inner) return false;
    return std::ranges::all_of(*inner, [&](const T& small) {
        return std::ranges::any_of(*outer, [&](const T& large) { return one_covers(large, small); });
    });
}

constexpr auto kSame = [](const auto& a, const auto& b) { return a == b; };
constexpr auto kGlob = [](const Glob& a, const Glob& b) { return covers(a, b); };

// A capture takes less than a star does.
bool covers_place(const CallerPattern& outer, const CallerPattern& inner) {
    if (outer.text() == inner.text()) return true;
    if (outer.has_captures()) return false;
    auto large = Glob::compile(outer.text()), small = Glob::compile(substitute(inner.text(), nullptr));
    return large && small && covers(*large, *small);
}

bool covers_secret(const SecretPattern& outer, const SecretPattern& inner) {
    return covers(outer.org, inner.org) && covers(outer.project, inner.project) &&
           covers(outer.domain, inner.domain) && covers(outer.key, inner.key);
}

bool reloads_all(const Rule& outer, const Rule& inner) {
    if (!inner.on_change) return true;
    return outer.on_change && std::ranges::all_of(inner.on_change->reload, [&](const std::string& unit) {
               return std::ranges::find(outer.on_change->reload, unit) != outer.on_change->reload.end();
           });
}

}  // namespace

// A star of `inner` is one more character to `outer`, which only a star of `outer` can match; and such a star
// matches whatever else may stand there. Two stars also stand for slashes, which this does not follow.
bool covers(const Glob& outer, const Glob& inner) {
    if (outer.text() == inner.text() || outer.text() == "**") return true;
    return inner.text().find("**") == std::string::npos && outer.matches(inner.text());
}

bool covers(const Rule& outer, const Rule& inner) {
    if (outer.has_captures) return false;
    // systemd's loader of credentials passes by the user, the group and the program of the inner rule only.
    if (inner.credential && !outer.credential && (outer.uids || outer.gids || outer.has_program()))
        return false;
    if (!covers_each(outer.uids, inner.uids, kSame) || !covers_each(outer.gids, inner.gids, kSame) ||
        !covers_each(outer.exes, inner.exes, kGlob) || !covers_each(outer.sha256s, inner.sha256s, kSame))
        return false;
    for (auto place : {&Rule::units, &Rule::user_units, &Rule::slices, &Rule::cgroups}) {
        if (!covers_each(outer.*place, inner.*place, covers_place)) return false;
    }
    return std::ranges::all_of(inner.secrets, [&](const SecretPattern& small) {
        return std::ranges::any_of(outer.secrets,
                                   [&](const SecretPattern& large) { return covers_secret(large, small); });
    });
}

bool makes_useless(const Rule& outer, const Rule& inner) {
    if (outer.allow != inner.allow || !covers(outer, inner)) return false;
    if (!inner.allow) return true;
    if (outer.within || outer.max_opens) return false;
    return (outer.traced || !inner.traced) && (outer.credential || !inner.credential) &&
           (outer.inherit || !inner.inherit) && (outer.cached || !inner.cached) &&
           (outer.mode || !inner.mode) && (outer.owner || !inner.owner) &&
           (outer.owner_group || !inner.owner_group) && reloads_all(outer, inner);
}

}  // namespace coffer
