// SPDX-License-Identifier: Apache-2.0
//
// What is mounted where, from /proc/self/mountinfo: the only way to ask about a mount whose daemon may be
// gone, since every stat of that waits for ever. proc(5). Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace coffer {

struct MountEntry {
    std::filesystem::path point;
    std::string type;      // "fuse.coffer"
    std::string device;    // of the file system: "0:40"; two mounts of one file system have the same
    std::uint64_t id = 0;  // of the mount; unique on the host, whatever the namespace
    bool operator==(const MountEntry&) const = default;
};

// In the order of the text; a line that is none is passed over. Pure.
[[nodiscard]] std::vector<MountEntry> parse_mount_table(std::string_view mountinfo);

// What is mounted on this absolute path, uppermost; nothing where nothing is.
[[nodiscard]] Result<std::optional<MountEntry>> find_mount(const std::filesystem::path& point);

}  // namespace coffer
