// SPDX-License-Identifier: Apache-2.0
#include "programs/task_slice.h"

#include <algorithm>
#include <utility>

#include "names/name.h"

namespace coffer {
namespace {

constexpr std::string_view kSuffix = ".slice";
constexpr std::size_t kLongestUnit = 255;  // of a unit's name: systemd.unit(5)

std::string escaped(std::string_view name) {
    std::string out;
    for (char c : name) {
        if (c == '-')
            out += "\\x2d";
        else
            out += c;
    }
    return out;
}

bool is_slice_character(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           std::string_view("-_.:\\").find(c) != std::string_view::npos;
}

bool is_slice(std::string_view name) {
    if (!name.ends_with(kSuffix) || name.size() > kLongestUnit) return false;
    name.remove_suffix(kSuffix.size());
    return !name.empty() && name.front() != '-' && name.front() != '.' && name.back() != '-' &&
           name.find("--") == name.npos && std::all_of(name.begin(), name.end(), is_slice_character);
}

}  // namespace

Result<std::string> task_slice(std::string_view form, const TaskPlace& place) {
    const std::pair<std::string_view, const std::string&> names[] = {
        {"{org}", place.org}, {"{project}", place.project}, {"{domain}", place.domain}};
    std::string out(form);
    for (const auto& [capture, name] : names) {
        const std::size_t at = out.find(capture);
        if (at == out.npos && capture == "{org}") continue;
        if (at == out.npos)
            return fail(Code::invalid, "expected a slice with ", capture, " in it, found \"", printable(form),
                        "\"; without it tasks of different places would be alike");
        out.replace(at, capture.size(), escaped(name));
    }
    if (!is_slice(out))
        return fail(Code::invalid, "\"", printable(out), "\" is no name of a slice; expected one like ",
                    kTaskSlice);
    return out;
}

std::vector<std::string> slice_levels(std::string_view slice) {
    slice.remove_suffix(kSuffix.size());
    std::vector<std::string> out;
    for (std::size_t at = slice.find('-');; at = slice.find('-', at + 1)) {
        out.push_back(concat(slice.substr(0, at), kSuffix));
        if (at == slice.npos) return out;
    }
}

}  // namespace coffer
