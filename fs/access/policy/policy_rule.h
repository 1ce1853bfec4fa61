// SPDX-License-Identifier: Apache-2.0
//
// Rule: one [[rule]] of a policy, compiled: names resolved, patterns split. A value; reading is thread-safe.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "access/config/toml_document.h"
#include "access/policy/caller_pattern.h"
#include "access/policy/glob.h"
#include "access/policy/on_change.h"
#include "access/policy/policy.h"

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

inline constexpr std::size_t kMaxRuleName = 256;  // bytes

struct Rule {
    std::string name;
    std::string file;  // where it stands
    TomlPlace place;
    bool allow = true;
    std::vector<SecretPattern> secrets;     // with captures: as if each were a star
    std::vector<std::string> secret_texts;  // as written

    // Selectors: an absent one matches every caller, an empty one cannot be.
    std::optional<std::vector<uid_t>> uids;  // user and uid, effective for files
    std::optional<std::vector<gid_t>> gids;  // group and gid, effective for files or supplementary
    std::optional<std::vector<Glob>> exes;
    std::optional<std::vector<Hash>> sha256s;  // of the executable
    std::optional<std::vector<CallerPattern>> units, user_units, slices, cgroups;
    bool traced = false;      // a caller with a tracer matches too; a rule that denies matches it always
    bool credential = false;  // systemd's loader of credentials matches as if it were the unit's user
    bool has_captures = false;

    // Limits of an allowance.
    std::optional<std::chrono::seconds> within;  // of the start of the process
    std::optional<std::uint32_t> max_opens;      // by one process; by one invocation where units are named

    // Presentation and permissions.
    std::optional<mode_t> mode;
    std::optional<uid_t> owner;
    std::optional<gid_t> owner_group;
    bool inherit = false, cached = false;

    std::optional<OnChange> on_change;  // grants nothing

    // Do the selectors match? In parts: attest() notices each change of the lasting facts (ids, executable),
    // but may miss that a process has left a group or was moved to another cgroup; the hash is worth finding
    // out only where all else matches.
    [[nodiscard]] bool names_lasting(const Caller& caller) const;
    [[nodiscard]] bool names_changing(const Caller& caller) const;
    [[nodiscard]] bool names_hash(const Caller& caller) const;
    [[nodiscard]] bool names_tracer(const Caller& caller) const {
        return caller.tracer == 0 || traced || !allow;
    }
    // The values of the captures, for each way in which the caller's place matches; without captures one
    // empty set. For a caller whom names_changing().
    [[nodiscard]] std::vector<Captures> captures(const Caller& caller) const;
    // Of a rule with captures: the patterns of secrets under all of these values; none where it has none.
    [[nodiscard]] std::vector<SecretPattern> captured_secrets(const Caller& caller) const;
    [[nodiscard]] Facts rests_on() const {
        return (gids ? Facts::status : Facts::none) | (has_place() ? Facts::place : Facts::none);
    }
    [[nodiscard]] bool has_place() const { return units || user_units || slices || cgroups; }
    [[nodiscard]] bool has_program() const { return exes || sha256s; }
    [[nodiscard]] bool has_selector() const { return uids || gids || has_program() || has_place(); }
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

// When the process started, since boot: what `within` counts from.
[[nodiscard]] std::chrono::nanoseconds start_of(const Caller& caller);

}  // namespace coffer
