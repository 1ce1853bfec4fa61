// SPDX-License-Identifier: Apache-2.0
#include "base/mount_table.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "base/descriptor.h"

namespace coffer {
namespace {

// Blanks, tabs, newlines and backslashes are written as \ooo.
std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            out +=
                static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string_view take_word(std::string_view& line) {
    std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

}  // namespace

std::vector<MountEntry> parse_mount_table(std::string_view mountinfo) {
    std::vector<MountEntry> out;
    while (!mountinfo.empty()) {
        std::string_view line = mountinfo.substr(0, mountinfo.find('\n'));
        mountinfo.remove_prefix(std::min(line.size() + 1, mountinfo.size()));
        MountEntry entry;
        std::string_view id = take_word(line);
        std::from_chars(id.data(), id.data() + id.size(), entry.id);
        (void)take_word(line);  // the parent
        entry.device = take_word(line);
        (void)take_word(line);  // what of the file system is mounted
        std::string_view point = take_word(line);
        // Optional fields up to a dash, then the type.
        while (!line.empty() && take_word(line) != "-") {
        }
        std::string_view type = take_word(line);
        if (point.empty() || type.empty()) continue;
        entry.point = unescape(point);
        entry.type = unescape(type);
        out.push_back(std::move(entry));
    }
    return out;
}

Result<std::optional<MountEntry>> find_mount(const std::filesystem::path& point) {
    std::ifstream file("/proc/self/mountinfo");
    if (!file) return fail(Code::failed, "reading /proc/self/mountinfo: ", errno_text());
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    auto entries = parse_mount_table(text);
    auto found = std::find_if(entries.rbegin(), entries.rend(),
                              [&](const MountEntry& entry) { return entry.point == point; });
    if (found == entries.rend()) return std::nullopt;
    return *found;
}

}  // namespace coffer
