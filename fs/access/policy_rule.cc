// SPDX-License-Identifier: Apache-2.0
#include "access/policy_rule.h"

#include <algorithm>

namespace coffer {
namespace {

template <class T>
bool holds(const std::optional<std::vector<T>>& wanted, const T& value) {
    return !wanted || std::find(wanted->begin(), wanted->end(), value) != wanted->end();
}

// A selector never matches what is not known: a pattern of stars does not name callers without a unit.
bool holds(const std::optional<std::vector<Glob>>& wanted, std::string_view value) {
    if (!wanted) return true;
    if (value.empty()) return false;
    return std::any_of(wanted->begin(), wanted->end(), [&](const Glob& glob) { return glob.matches(value); });
}

bool says_something(const std::optional<std::vector<Glob>>& wanted) {
    if (!wanted) return false;
    return std::all_of(wanted->begin(), wanted->end(), [](const Glob& glob) {
        return glob.text().find_first_not_of("*/") != std::string::npos;
    });
}

}  // namespace

// The ids that count for files (setfsuid(2)) are the effective ones, unless a server that acts for others has
// set them aside: then it is the other's rights that it asks for.
bool Rule::names_lasting(const Caller& caller) const {
    if (!holds(uids, caller.ids.fsuid)) return false;
    // In another user namespace the executable is the caller's own claim.
    return !exes || (!caller.foreign_user_namespace && holds(exes, caller.exe.path));
}

bool Rule::names_changing(const Caller& caller) const {
    if (!holds(units, caller.cgroup.unit) || !holds(user_units, caller.cgroup.user_unit) ||
        !holds(slices, caller.cgroup.slice) || !holds(cgroups, caller.cgroup.path))
        return false;
    if (!gids) return true;
    return std::any_of(gids->begin(), gids->end(), [&](gid_t gid) {
        return gid == caller.ids.fsgid || std::binary_search(caller.groups.begin(), caller.groups.end(), gid);
    });
}

bool Rule::has_firm_selector() const {
    return uids || gids || says_something(units) || says_something(slices) || says_something(cgroups);
}

}  // namespace coffer
