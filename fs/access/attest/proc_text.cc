// SPDX-License-Identifier: Apache-2.0
#include "access/attest/proc_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <utility>

namespace coffer {
namespace {

// Reads one number and the blanks around it off `rest`.
template <class T>
bool take_number(std::string_view& rest, T& out) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
    if (error != std::errc{}) return false;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    return true;
}

template <class T>
bool take_four(std::string_view rest, T& real, T& effective, T& saved, T& filesystem) {
    return take_number(rest, real) && take_number(rest, effective) && take_number(rest, saved) &&
           take_number(rest, filesystem) && rest.empty();
}

bool take_groups(std::string_view rest, std::vector<gid_t>& out) {
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    while (!rest.empty()) {
        gid_t group = 0;
        if (!take_number(rest, group)) return false;
        out.push_back(group);
    }
    std::sort(out.begin(), out.end());
    return true;
}

}  // namespace

// The process name, which is the process's to choose, comes first and has its newlines escaped by the
// kernel: it cannot forge a line.
Result<ProcStatus> parse_proc_status(std::string_view text) {
    constexpr std::array<std::string_view, 5> kNeeded{"Tgid", "TracerPid", "Uid", "Gid", "Groups"};
    ProcStatus status;
    std::array<bool, kNeeded.size()> found{};
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        std::size_t colon = line.find(':');
        if (colon == line.npos) continue;
        std::string_view key = line.substr(0, colon), rest = line.substr(colon + 1);
        const auto needed = std::ranges::find(kNeeded, key);
        if (needed == kNeeded.end()) continue;
        if (std::exchange(found[static_cast<std::size_t>(needed - kNeeded.begin())], true))
            return fail(Code::failed, "/proc/PID/status has two ", key, " lines");
        bool good = true;
        Credentials& ids = status.ids;
        if (key == "Tgid") {
            good = take_number(rest, status.tgid);
        } else if (key == "TracerPid") {
            good = take_number(rest, status.tracer);
        } else if (key == "Uid") {
            good = take_four(rest, ids.ruid, ids.euid, ids.suid, ids.fsuid);
        } else if (key == "Gid") {
            good = take_four(rest, ids.rgid, ids.egid, ids.sgid, ids.fsgid);
        } else {
            good = take_groups(rest, status.groups);
        }
        if (!good) return fail(Code::failed, "/proc/PID/status has a ", key, " line that is not understood");
    }
    if (!std::ranges::all_of(found, std::identity()))
        return fail(Code::failed, "/proc/PID/status lacks one of Tgid, TracerPid, Uid, Gid and Groups");
    return status;
}

// Field 2 is the name in parentheses, which may itself hold blanks and parentheses: count from its end.
Result<std::uint64_t> parse_start_ticks(std::string_view text) {
    std::size_t at = text.rfind(')');
    constexpr int kFieldsBetween = 19;  // 3 (state) to 21
    for (int field = 0; field <= kFieldsBetween && at != text.npos; ++field) at = text.find(' ', at + 1);
    std::uint64_t ticks = 0;
    if (at == text.npos || at + 1 >= text.size())
        return fail(Code::failed, "/proc/PID/stat is not understood: it has too few fields");
    std::string_view rest = text.substr(at + 1);
    if (!take_number(rest, ticks)) return fail(Code::failed, "/proc/PID/stat: field 22 is not a number");
    return ticks;
}

}  // namespace coffer
