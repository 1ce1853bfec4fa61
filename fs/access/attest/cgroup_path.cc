// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "access/attest/caller.h"
#include "access/attest/proc_text.h"

namespace coffer {
namespace {

bool has_suffix(std::string_view name, std::string_view suffix) {
    return name.size() > suffix.size() && name.ends_with(suffix);
}

// The types of unit that have a cgroup and are no slice: systemd.unit(5), cg_path_decode_unit() in systemd.
bool is_unit(std::string_view name) {
    constexpr std::array<std::string_view, 5> kSuffixes = {".service", ".scope", ".socket", ".mount",
                                                           ".swap"};
    return std::any_of(kSuffixes.begin(), kSuffixes.end(),
                       [&](std::string_view suffix) { return has_suffix(name, suffix); });
}

// user@UID.service: the unit of a user's own manager, below which the names are the user's choice.
bool is_user_manager(std::string_view unit) {
    if (!unit.starts_with("user@") || !has_suffix(unit, ".service")) return false;
    std::string_view uid = unit.substr(5, unit.size() - 5 - 8);
    return !uid.empty() && std::all_of(uid.begin(), uid.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Takes the first segment off `rest`; empty at the end.
std::string_view next_segment(std::string_view& rest) {
    while (rest.starts_with('/')) rest.remove_prefix(1);
    std::string_view segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    return segment;
}

// Past the slices, whose innermost is returned in `slice`: the first segment that is none.
std::string_view skip_slices(std::string_view& rest, std::string_view& slice) {
    std::string_view segment = next_segment(rest);
    for (; has_suffix(segment, ".slice"); segment = next_segment(rest)) slice = segment;
    return segment;
}

}  // namespace

// The unit is the *first* segment below the slices: only the system's manager makes those. What comes deeper
// belongs to the unit itself when it is delegated (a container, a user's manager), which could otherwise
// call itself any unit by making a cgroup of that name.
CgroupPlace read_cgroup_path(std::string_view path) {
    CgroupPlace place;
    place.path = path;
    if (!path.starts_with('/')) return place;
    // "/../x": outside this cgroup namespace; the names below are of no known place.
    if (path.starts_with("/..") && (path.size() == 3 || path[3] == '/')) return place;

    std::string_view rest = path, slice, user_slice;
    std::string_view unit = skip_slices(rest, slice);
    place.slice = slice;
    if (!is_unit(unit)) return place;
    place.unit = unit;
    if (is_user_manager(unit)) {
        std::string_view user_unit = skip_slices(rest, user_slice);
        if (is_unit(user_unit)) place.user_unit = user_unit;
    }
    return place;
}

// cgroups(7), "/proc/PID/cgroup": "hierarchy:controllers:path". Where systemd tracks units in a version 1
// hierarchy of its own, everything may sit in the root of version 2, which says nothing.
CgroupLines parse_cgroup_lines(std::string_view text) {
    constexpr std::string_view kUnified = "0::", kNamed = ":name=systemd:";
    std::string_view unified, named;
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        std::size_t colon = std::min(line.find(':'), line.size());
        if (line.starts_with(kUnified))
            unified = line.substr(kUnified.size());
        else if (line.substr(colon).starts_with(kNamed))
            named = line.substr(colon + kNamed.size());
    }
    bool useful = !unified.empty() && unified != "/";
    if (useful || named.empty()) return {unified, true};
    return {named, false};
}

}  // namespace coffer
