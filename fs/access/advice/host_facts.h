// SPDX-License-Identifier: Apache-2.0
//
// HostFacts: what this host has of that which a policy names: unit files and programs. For finding mistakes
// in a policy (access/advice/policy_lint.h); nothing is decided by it. A value; look_at_host reads the disk.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "access/policy/policy.h"
#include "names/scope.h"

namespace coffer {

struct ProgramFacts {
    bool exists = false;
    std::string real_path;  // after every link, which is how the kernel names a running program
    bool regular = false;
    bool script = false;  // it begins with "#!": what runs is its interpreter
    std::string
        writable_by;       // who else than root can change or replace it: "uid 1000", "everybody"; or empty
    bool readable = true;  // by the daemon's user
    std::optional<Hash> sha256;  // where a rule with a hash names it
};

struct HostFacts {
    // Unit files by name, with the name that each is a link to, or empty. None: not checked.
    std::optional<std::map<std::string, std::string, std::less<>>> units;
    std::map<std::string, ProgramFacts, std::less<>> programs;  // by the path that a rule has
    std::optional<std::vector<SecretName>> secrets;             // the live ones; none: not checked
};

// The unit search path of systemd.unit(5), or $SYSTEMD_UNIT_PATH, as systemd-analyze(1) takes it. None where
// there is no such folder.
[[nodiscard]] std::optional<std::map<std::string, std::string, std::less<>>> find_unit_files();
// The programs that rules name by their whole path. `daemon`: who has to read them, to hash them.
[[nodiscard]] std::map<std::string, ProgramFacts, std::less<>> look_at_programs(const Policy& policy,
                                                                                std::optional<uid_t> daemon);

}  // namespace coffer
