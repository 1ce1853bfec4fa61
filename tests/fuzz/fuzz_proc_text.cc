// SPDX-License-Identifier: Apache-2.0
//
// What the kernel says of a process and of the mounts, in which others choose the names: a process its own
// name, whoever makes cgroups theirs, whoever mounts the place. The bytes are taken twice: as the whole text,
// and as such a name in a text that is otherwise the kernel's. Properties: a name alters nothing but itself;
// what is accepted has all that is needed; and what was understood is read again the same.
#include <algorithm>

#include "access/attest/proc_text.h"
#include "base/mount_table.h"
#include "require.h"

using namespace coffer;

namespace {

// As the kernel's string_escape_mem() and mangle_path() write it.
std::string escaped(std::string_view text, std::string_view which) {
    std::string out;
    for (char c : text) {
        const auto digit = [&](int shift) { return static_cast<char>('0' + (c >> shift & 7)); };
        if (which.find(c) == which.npos)
            out += c;
        else
            out += {'\\', digit(6), digit(3), digit(0)};
    }
    return out;
}

std::string status_text(const ProcStatus& status, std::string_view name) {
    const Credentials& ids = status.ids;
    std::string out =
        concat("Name:\t", name, "\nUmask:\t0022\nTgid:\t", status.tgid, "\nTracerPid:\t", status.tracer,
               "\nUid:\t", ids.ruid, '\t', ids.euid, '\t', ids.suid, '\t', ids.fsuid, "\nGid:\t", ids.rgid,
               '\t', ids.egid, '\t', ids.sgid, '\t', ids.fsgid, "\nGroups:\t");
    for (gid_t group : status.groups) out += concat(group, ' ');
    return out + "\nThreads:\t1\n";
}

bool has_line(std::string_view text, std::string_view key) {
    return text.starts_with(concat(key, ':')) || text.find(concat('\n', key, ':')) != text.npos;
}

void check_whole(std::string_view text) {
    if (auto status = parse_proc_status(text)) {
        for (std::string_view key : {"Tgid", "TracerPid", "Uid", "Gid", "Groups"})
            require(has_line(text, key), "a status has every line that is needed");
        require(std::ranges::is_sorted(status->groups), "groups are sorted");
        auto again = parse_proc_status(status_text(*status, "again"));
        require(again && *again == *status, "a status is read again the same");
    }
    (void)parse_start_ticks(text);
    const CgroupLines lines = parse_cgroup_lines(text);
    require(lines.path.find('\n') == lines.path.npos, "a path is on one line");
    for (const MountEntry& one : parse_mount_table(text))
        require(!one.point.empty() && !one.type.empty(), "a mount has a place and a type");
}

void check_place(std::string_view path) {
    const CgroupPlace place = read_cgroup_path(path);
    require(place.path == path, "a place keeps its path");
    for (const std::string& part : {place.unit, place.user_unit, place.slice})
        require(part.find('/') == part.npos && (part.empty() || path.find(concat('/', part)) != path.npos),
                "a unit is a segment of the path");
    require(place.user_unit.empty() || place.unit.starts_with("user@"),
            "only a user's manager has user units");
    // What a unit makes below itself does not rename it.
    if (!place.unit.empty() && place.user_unit.empty() && !place.unit.starts_with("user@"))
        require(read_cgroup_path(concat(path, "/system.slice/other.service")).unit == place.unit,
                "what is below a unit is that unit's");
}

void check_as_name(std::string_view name) {
    ProcStatus status;
    status.tgid = 4711;
    status.ids = {1, 2, 3, 4, 5, 6, 7, 8};
    status.groups = {4, 27};
    auto read = parse_proc_status(status_text(status, escaped(name, "\n\\")));
    require(read && *read == status, "a process's name says nothing of its ids");

    std::string stat = concat("4711 (", name, ") S");
    for (int field = 4; field < 22; ++field) stat += concat(' ', field);
    auto ticks = parse_start_ticks(stat + " 123456 23 24");
    require(ticks && *ticks == 123456, "a process's name says nothing of its start");

    // cgroup_mkdir() refuses a line feed, and nothing is escaped.
    const std::string path = concat('/', name.substr(0, name.find('\n')));
    for (std::string_view before : {"", "12:cpu:/x\n1:name=systemd:/y\n"}) {
        const std::string text = concat(before, "0::", path, '\n');
        const CgroupLines lines = parse_cgroup_lines(text);
        require(path == "/" || lines.path == path, "a cgroup's name is its own");
    }

    if (name.find('\0') != name.npos) return;
    const std::string point = concat('/', name);
    const auto mounts = parse_mount_table(concat("21 1 8:1 / / rw - ext4 /dev/sda rw\n36 21 0:40 / ",
                                                 escaped(point, " \t\n\\"),
                                                 " rw,nosuid shared:1 master:2 - fuse.coffer coffer rw\n"));
    require(mounts.size() == 2 && mounts[1].point.native() == point && mounts[1].type == "fuse.coffer",
            "a mount's place is read as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check_whole(text);
    check_place(text);
    check_as_name(text);
    return 0;
}
