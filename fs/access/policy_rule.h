// SPDX-License-Identifier: Apache-2.0
//
// Rule: one [[rule]] of a policy, compiled: names resolved, patterns split. A value; reading is thread-safe.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "access/glob.h"
#include "access/policy.h"

namespace coffer {

// A pattern of secrets, four segments deep; "**" has become the segments that it can stand for.
struct SecretPattern {
    Glob org, project, domain, key;
    [[nodiscard]] bool matches(const SecretPath& path) const {
        return key.matches(path.key) && domain.matches(path.domain) && project.matches(path.project) &&
               org.matches(path.org);
    }
    // Could a secret below this directory match?
    [[nodiscard]] bool reaches(const DirectoryPath& path) const {
        return (path.org.empty() || org.matches(path.org)) &&
               (path.project.empty() || project.matches(path.project)) &&
               (path.domain.empty() || domain.matches(path.domain));
    }
};

struct Rule {
    std::string name;
    bool allow = true;
    std::vector<SecretPattern> secrets;

    // Selectors: an absent one matches every caller, an empty one cannot be.
    std::optional<std::vector<uid_t>> uids;  // user and uid, effective for files
    std::optional<std::vector<gid_t>> gids;  // group and gid, effective for files or supplementary
    std::optional<std::vector<Glob>> exes, units, user_units, slices, cgroups;

    // Presentation and permissions.
    std::optional<mode_t> mode;
    std::optional<uid_t> owner;
    std::optional<gid_t> owner_group;
    bool inherit = false, cached = false;

    // Do all selectors match? In two halves: attest() notices each change of the lasting facts, but may miss
    // that a process has left a group or was moved to another cgroup.
    [[nodiscard]] bool names(const Caller& caller) const {
        return names_lasting(caller) && names_changing(caller);
    }
    [[nodiscard]] bool names_lasting(const Caller& caller) const;
    [[nodiscard]] bool names_changing(const Caller& caller) const;
    [[nodiscard]] Facts rests_on() const {
        return (gids ? Facts::status : Facts::none) | (has_place() ? Facts::place : Facts::none);
    }
    [[nodiscard]] bool has_place() const { return units || user_units || slices || cgroups; }
    [[nodiscard]] bool has_selector() const { return uids || gids || exes || has_place(); }
    // Something that only the kernel or an administrator gives a process, unlike its executable. A pattern of
    // nothing but stars says nothing.
    [[nodiscard]] bool has_firm_selector() const;
    [[nodiscard]] bool matches(const SecretPath& path) const {
        for (const SecretPattern& pattern : secrets) {
            if (pattern.matches(path)) return true;
        }
        return false;
    }
};

}  // namespace coffer
