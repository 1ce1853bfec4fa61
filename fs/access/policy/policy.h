// SPDX-License-Identifier: Apache-2.0
//
// Policy: which callers may read which secrets. Pure: texts in, decisions out (Circumstances::now() alone
// looks at the clock); the folder is read by access/policy/policy_folder.h. The language is docs/policy.md. A
// Policy never changes after it was parsed and is thread-safe; a decision takes two steps, since the first
// holds for all that a process does:
//   Entitlement e = entitle(policy, caller);   // which rules name this caller
//   Decision d = e.decide(path);               // what they say of this secret
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "access/attest/attest.h"
#include "access/attest/caller.h"
#include "base/result.h"

namespace coffer {

class OpenCounts;  // access/policy/open_counts.h

// /org/project/domain/key as the caller names it; all four given, valid names.
struct SecretPath {
    std::string_view org, project, domain, key;
    bool operator==(const SecretPath&) const = default;
};
// A directory of the mount: the root (all empty), /org, /org/project or /org/project/domain.
struct DirectoryPath {
    std::string_view org, project, domain;
};

struct Presentation {
    mode_t mode = 0400;          // permission bits only
    std::optional<uid_t> owner;  // none: the caller's own
    std::optional<gid_t> group;
};

// A rule's limit on how often it lets somebody open something.
struct OpenLimit {
    std::uint32_t max_opens = 0;  // 0: none
    std::string_view subject;     // who is counted: a process, or an invocation of a unit
};

// What a decision needs to know besides caller and path.
struct Circumstances {
    std::chrono::nanoseconds since_boot{};  // now, CLOCK_BOOTTIME
    const OpenCounts* counts = nullptr;     // none: nothing was opened yet
    [[nodiscard]] static Circumstances now(const OpenCounts* counts = nullptr);
};

// Why something was refused: what Decision::reason and the audit say, and what an explanation goes by.
inline constexpr std::string_view kReasonNoRule = "no rule allows it", kReasonDenied = "a rule denies it",
                                  kReasonTraced = "the process is being traced",
                                  kReasonTooOld = "the process is older than the rule's `within`",
                                  kReasonUsedUp = "the rule's max_opens is used up",
                                  kReasonUncached = "splice, sendfile or mmap";

struct Decision {
    bool allow = false;
    std::string_view rule;  // the name of the rule that decided, as long as its policy; empty: none allows it
    std::string_view reason;  // for a refusal; those that a policy gives are above
    OpenLimit limit;          // of the rule that decided
    Presentation presentation;
    bool inherit = false;  // READs through a passed or inherited descriptor are allowed
    bool cached = false;   // splice, sendfile and mmap are allowed
    // Which facts that attest() may have missed a change of (access/attest/attest.h) could turn it, or an
    // allowance into a refusal. All, for a refusal.
    Facts rests_on = Facts::none;
};

struct PolicySource {
    std::string name;  // for messages: the file's path
    std::string text;
};

class Policy;
struct Rule;  // access/policy/policy_rule.h
struct SecretPattern;

// The rules that name one caller, of one policy, which it keeps alive. Immutable, thread-safe.
class Entitlement {
  public:
    Entitlement();
    ~Entitlement();
    Entitlement(Entitlement&&) noexcept;
    Entitlement& operator=(Entitlement&&) noexcept;

    [[nodiscard]] Decision decide(const SecretPath& path, const Circumstances& now = {}) const;
    // Could something at or below this directory be readable? May say yes too often, never no too often.
    [[nodiscard]] bool may_see(const DirectoryPath& directory) const;
    // What a credential of this ID can be: the secrets of that KEY in the directories that the rules with
    // `credential = true` name in full, each once. Whether one of them may be read is decide()'s to say. The
    // texts live as long as this and `key`.
    [[nodiscard]] std::vector<SecretPath> credentials(std::string_view key) const;
    [[nodiscard]] const std::shared_ptr<const Policy>& policy() const { return policy_; }

    // A rule would name the caller if the hash of its executable, which is not known, were the right one:
    // find it out and ask again.
    [[nodiscard]] bool wants_sha256() const { return wants_sha256_; }

  private:
    friend Entitlement entitle(std::shared_ptr<const Policy> policy, const Caller& caller);
    struct Claim {  // a rule that names the caller
        const Rule* rule;
        std::vector<SecretPattern> captured;  // its secrets for this caller, where it has captures
        [[nodiscard]] const std::vector<SecretPattern>& secrets() const;
        [[nodiscard]] bool matches(const SecretPath& path) const;
    };

    std::shared_ptr<const Policy> policy_;
    std::vector<Claim> allow_, deny_;
    std::vector<Claim> traced_;           // would allow, were the caller not traced
    std::vector<const Rule*> near_deny_;  // that would name the caller if it changed its group or place
    // What the limits are about: the process's start, and who is counted.
    std::chrono::nanoseconds started_{};
    std::string process_, invocation_;  // as subjects of an OpenLimit
    bool wants_sha256_ = false;
};

class Policy {
  public:
    // The first error of all sources, as "file:line:column: message". Sources are read in the order given;
    // rule names are unique across them. User and group names are looked up now; an unknown one is an error.
    [[nodiscard]] static Result<std::shared_ptr<const Policy>> parse(std::span<const PolicySource> sources);
    Policy();
    ~Policy();
    [[nodiscard]] const std::vector<Rule>& rules() const;
    // Is there a rule by which others may read this through its opener's handle, whoever that is?
    [[nodiscard]] bool may_inherit(const SecretPath& path) const;
    // The programs that rules with a hash name by their whole path: worth hashing before they ask.
    [[nodiscard]] std::vector<std::string> hashed_programs() const;

  private:
    std::vector<Rule> rules_;
};

[[nodiscard]] Entitlement entitle(std::shared_ptr<const Policy> policy, const Caller& caller);

}  // namespace coffer
