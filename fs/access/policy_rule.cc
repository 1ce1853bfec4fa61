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

bool in_groups(const std::optional<std::vector<gid_t>>& wanted, const Caller& caller) {
    if (!wanted) return true;
    return std::any_of(wanted->begin(), wanted->end(), [&](gid_t gid) {
        return gid == caller.ids.egid || std::binary_search(caller.groups.begin(), caller.groups.end(), gid);
    });
}

}  // namespace

bool Rule::names(const Caller& caller) const {
    if (!holds(uids, caller.ids.euid) || !in_groups(gids, caller)) return false;
    // In another user namespace the executable is the caller's own claim.
    if (exes && (caller.foreign_user_namespace || !holds(exes, caller.exe.path))) return false;
    return holds(units, caller.cgroup.unit) && holds(user_units, caller.cgroup.user_unit) &&
           holds(slices, caller.cgroup.slice) && holds(cgroups, caller.cgroup.path);
}

}  // namespace coffer
