// SPDX-License-Identifier: Apache-2.0
#include "access/policy/policy_rule.h"

#include <unistd.h>

#include <algorithm>

#include "access/policy/policy_reader.h"

namespace coffer {
namespace {

template <class T>
bool holds(const std::optional<std::vector<T>>& wanted, const T& value) {
    return !wanted || std::ranges::find(*wanted, value) != wanted->end();
}

// A selector never matches what is not known: a pattern of stars does not name callers without a unit.
template <class Pattern>
bool holds_pattern(const std::optional<std::vector<Pattern>>& wanted, std::string_view value) {
    if (!wanted) return true;
    if (value.empty()) return false;
    return std::ranges::any_of(*wanted, [&](const Pattern& pattern) { return pattern.matches(value); });
}

bool says_something(const std::optional<std::vector<CallerPattern>>& wanted) {
    if (!wanted) return false;
    return std::ranges::all_of(*wanted, [](const CallerPattern& pattern) {
        return pattern.text().find_first_not_of("*/") != std::string::npos;
    });
}

// Both together, unless they disagree about a name.
std::optional<Captures> merge(Captures all, const Captures& more) {
    for (const auto& [name, value] : more) {
        auto place = std::ranges::lower_bound(all, name, {}, &Captures::value_type::first);
        if (place == all.end() || place->first != name)
            all.emplace(place, name, value);
        else if (place->second != value)
            return std::nullopt;
    }
    return all;
}

// Each way to match so far, together with each way in which this selector matches.
std::vector<Captures> join(const std::vector<Captures>& ways,
                           const std::optional<std::vector<CallerPattern>>& wanted, std::string_view value) {
    if (!wanted) return ways;
    std::vector<Captures> out;
    for (const Captures& way : ways) {
        for (const CallerPattern& pattern : *wanted) {
            auto found = pattern.match(value);
            auto both = found ? merge(way, *found) : std::nullopt;
            if (both && std::ranges::find(out, *both) == out.end()) out.push_back(*std::move(both));
        }
    }
    return out;
}

}  // namespace

// The ids that count for files (setfsuid(2)) are the effective ones, unless a server that acts for others has
// set them aside: then it is the other's rights that it asks for.
bool Rule::names_lasting(const Caller& caller) const {
    if (credential && caller.credential_loader) return true;
    if (!holds(uids, caller.ids.fsuid)) return false;
    // In another user namespace the executable is the caller's own claim.
    if (has_program() && caller.foreign_user_namespace) return false;
    return holds_pattern(exes, caller.exe.path);
}

bool Rule::names_changing(const Caller& caller) const {
    if (!holds_pattern(units, caller.cgroup.unit) || !holds_pattern(user_units, caller.cgroup.user_unit) ||
        !holds_pattern(slices, caller.cgroup.slice) || !holds_pattern(cgroups, caller.cgroup.path))
        return false;
    if (!gids || (credential && caller.credential_loader)) return true;
    return std::ranges::any_of(*gids, [&](gid_t gid) {
        return gid == caller.ids.fsgid || std::ranges::binary_search(caller.groups, gid);
    });
}

bool Rule::names_hash(const Caller& caller) const {
    if (!sha256s || (credential && caller.credential_loader)) return true;
    return caller.sha256 && std::ranges::find(*sha256s, *caller.sha256) != sha256s->end();
}

std::vector<Captures> Rule::captures(const Caller& caller) const {
    std::vector<Captures> ways(1);
    if (!has_captures) return ways;
    ways = join(ways, units, caller.cgroup.unit);
    ways = join(ways, user_units, caller.cgroup.user_unit);
    ways = join(ways, slices, caller.cgroup.slice);
    return join(ways, cgroups, caller.cgroup.path);
}

std::vector<SecretPattern> Rule::captured_secrets(const Caller& caller) const {
    std::vector<SecretPattern> out;
    for (const Captures& way : captures(caller)) {
        for (const std::string& text : secret_texts) {
            auto pattern = read_secret_pattern(substitute(text, &way));
            if (pattern) out.push_back(*std::move(pattern));
        }
    }
    return out;
}

std::chrono::nanoseconds start_of(const Caller& caller) {
    const auto per_second = static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
    return std::chrono::seconds(caller.start_ticks / per_second) +
           std::chrono::nanoseconds(caller.start_ticks % per_second * (1'000'000'000 / per_second));
}

bool Rule::has_firm_selector() const {
    return uids || gids || says_something(units) || says_something(slices) || says_something(cgroups);
}

}  // namespace coffer
