// SPDX-License-Identifier: Apache-2.0
//
// Caller: the process behind one file operation, as attested facts. A value; it holds nothing open and says
// nothing about whether the process is still the same (access/attest/attest.h does).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace coffer {

// All in the initial user namespace's numbers, as the kernel gives them to this process.
struct Credentials {
    uid_t ruid = 0, euid = 0, suid = 0, fsuid = 0;
    gid_t rgid = 0, egid = 0, sgid = 0, fsgid = 0;
    bool operator==(const Credentials&) const = default;
};

struct Executable {
    std::string path;  // as /proc/PID/exe shows it, " (deleted)" included
    dev_t device = 0;
    ino_t inode = 0;
    [[nodiscard]] bool same_file(const Executable& other) const {
        return device == other.device && inode == other.inode;
    }
};

// What a path of the cgroup tree says, by systemd's naming; empty where it does not say it.
struct CgroupPlace {
    std::string path;       // "/system.slice/checkout.service"
    std::string unit;       // the system unit: "checkout.service", "app@1.service"
    std::string user_unit;  // the unit of a user manager: "app.service" below user@1000.service
    std::string slice;      // the innermost slice above the unit: "system.slice", "coffer-a-b.slice"
    bool operator==(const CgroupPlace&) const = default;
};
[[nodiscard]] CgroupPlace read_cgroup_path(std::string_view path);  // pure

struct Caller {
    pid_t tid = 0, tgid = 0;
    Credentials ids;
    std::vector<gid_t> groups;  // supplementary, sorted
    Executable exe;             // path empty: a kernel thread, or not readable
    std::uint64_t cgroup_id = 0;
    CgroupPlace cgroup;
    std::string invocation_id;            // of the system unit, where known
    std::uint64_t start_ticks = 0;        // /proc/PID/stat field 22
    pid_t tracer = 0;                     // 0: not traced
    bool foreign_user_namespace = false;  // not the daemon's
    bool credential_loader = false;       // systemd, loading a unit's credentials
    std::optional<Hash> sha256;           // of the executable, where a rule asked for it
};

}  // namespace coffer
