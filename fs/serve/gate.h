// SPDX-License-Identifier: Apache-2.0
//
// Gate: the one place where a request is allowed or refused. It attests the caller, asks the policy and
// writes the audit record; what it does not allow, nobody serves. Thread-safe; no lock is held across
// attestation, a decision or the audit write.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>

#include "access/attest/attest.h"
#include "access/attest/exe_hasher.h"
#include "access/audit/audit.h"
#include "access/config/config.h"
#include "access/policy/open_counts.h"
#include "access/policy/policy.h"
#include "serve/errno_table.h"
#include "serve/open_file.h"
#include "serve/status.h"

namespace coffer {

// `coffer watch` runs in this unit, as root or as this user (docs/design.md, "Watchers").
inline constexpr std::string_view kWatchUnit = "coffer-watch.service", kWatchUser = "coffer-watch";

// Who asks, as the kernel wrote it into the request.
struct Requester {
    pid_t tid = 0;
    uid_t uid = 0;
    gid_t gid = 0;
    // The kernel sends this request again, for the daemon that took it first has died. Whether that one has
    // put it on record nobody knows, so it is recorded, marked.
    bool resent = false;
};

// A caller that has been attested, and the rules that name it.
struct Visitor {
    std::shared_ptr<const Attested> attested;
    std::shared_ptr<const Caller> facts;  // what was attested, and the hash of the executable if a rule asked
    std::shared_ptr<const Entitlement> entitlement;
    std::uint64_t policy_generation = 0;
    [[nodiscard]] const Caller& caller() const { return *facts; }
};

// What a decision is about. The texts live as long as the catalogue.
struct Target {
    SecretPath path;
    std::uint64_t version = 0;
    std::string_view scope;
};

struct Pass {
    Visitor visitor;
    Decision decision;
    std::chrono::nanoseconds at{};  // since boot
};

class Gate {
  public:
    struct Settings {
        Denial denial = Denial::hide;
        bool audit_required = true;
        std::optional<gid_t> admin_group;
        std::optional<uid_t> watch_user;  // who, beside root, may be the watcher
        std::optional<uid_t> own_user{};  // who runs the daemon
        std::size_t hash_waiters = 1;     // requests that wait for a program's hash at once
    };
    Gate(Attestor& attestor, AuditLog& audit, Status& status, Settings settings);

    void set_policy(std::shared_ptr<const Policy> policy);
    [[nodiscard]] std::uint64_t policy_generation() const {
        return generation_.load(std::memory_order_acquire);
    }

    // The error is the refusal's errno: ENOENT or EACCES as configured.
    [[nodiscard]] Answer<Visitor> admit(const Requester& who);
    [[nodiscard]] Answer<Visitor> check_directory(const Requester& who, const DirectoryPath& directory);
    // For the daemon's own files: root, the admin group and who runs the daemon, whatever the policy says.
    [[nodiscard]] Answer<Visitor> check_admin(const Requester& who);
    // For touching a file so that inotify fires: root or the watch user, in coffer-watch.service. Whatever
    // the policy says, it finds each name, for it has to touch it, and reads none.
    [[nodiscard]] Answer<Visitor> check_watcher(const Requester& who);
    // Silent: for attributes, listings and the like of what a LOOKUP has shown already.
    [[nodiscard]] Answer<Pass> check_sight(const Requester& who, const SecretPath& path);
    // The same, but the refusal is audited: nobody who is refused here ever comes to an OPEN.
    [[nodiscard]] Answer<Pass> check_lookup(const Requester& who, const Target& target);
    [[nodiscard]] Answer<Pass> check_open(const Requester& who, const Target& target);
    // After the file is ready to be served: counts the open against the rule's limit and audits it. A failed
    // audit is a refusal unless it is best-effort.
    [[nodiscard]] Answer<> admit_open(const Pass& pass, const Requester& who, const Target& target);
    // For a peer of a socket, who is no request of the kernel's: looked at in all respects, and the error
    // says what is wrong. Nothing is on record yet.
    [[nodiscard]] Result<Visitor> identify_closely(const Requester& who);
    // As check_open() and admit_open(), for a credential that `loader` asks for; the error is the reason.
    [[nodiscard]] Result<Pass> check_credential(Visitor loader, const Requester& who, const Target& target);
    [[nodiscard]] Result<void> admit_credential(const Pass& pass, const Requester& who, const Target& target);
    // EACCES, or EKEYREVOKED when it is the policy that has changed since the open. `targets`: all that the
    // file shows, one for a secret; each has to pass.
    [[nodiscard]] Answer<> check_read(const Requester& who, const OpenFile& file,
                                      std::span<const Target> targets);
    // For the first READ through a handle of an earlier daemon, which has allowed its OPEN: would the present
    // policy have let this caller open it, whatever the time and the number of opens? With `inherit` it is
    // enough that a rule still lets others read through an opener's handle; then nobody is attested.
    [[nodiscard]] Answer<Pass> check_taken_over(const Requester& who, const Target& target, bool inherit);
    // A refusal of an OPEN or READ for a reason that is not the policy's: revoked, expired, a limit.
    void audit_refusal(const Requester& who, std::string_view operation, const Target& target,
                       std::string_view reason);

    [[nodiscard]] tl::unexpected<Errno> refusal() const;
    [[nodiscard]] Circumstances circumstances() const;  // of this moment

  private:
    struct Kept {
        std::weak_ptr<const Attested> attested;   // weak: the attestor decides how long its descriptors live
        std::shared_ptr<const Caller> with_hash;  // null: nobody asked for the hash
        std::shared_ptr<const Entitlement> entitlement;
        std::uint64_t generation = 0;
    };
    // How sure a decision that allows has to be. A refusal is always made on a closer look.
    enum class Look : std::uint8_t {
        quick,   // for what shows no new value: names, sizes
        closer,  // at the groups and the unit that the decision rests on
    };
    [[nodiscard]] bool is_watcher(const Caller& caller) const;
    [[nodiscard]] Result<Visitor> identify(const Requester& who);
    [[nodiscard]] Result<Visitor> look_closer(Visitor found, const Requester& who, Facts facts);
    // The Pass tells of a refusal too. A quick look is enough for the watcher, whom no rule names.
    [[nodiscard]] Result<Pass> decide(Visitor found, const Requester& who, const SecretPath& path, Look look,
                                      const Circumstances& now);
    [[nodiscard]] Visitor visitor(std::shared_ptr<const Attested> attested);
    [[nodiscard]] Caller caller_of_record(const Requester& who) const;
    [[nodiscard]] std::shared_ptr<const Policy> policy(std::uint64_t& generation) const;
    [[nodiscard]] Answer<Pass> check(const Requester& who, const Target& target, std::string_view operation,
                                     Look look);
    // Counts and records; why it cannot be, a literal, or nothing.
    [[nodiscard]] std::string_view count_and_record(const Pass& pass, const Requester& who,
                                                    std::string_view operation, const Target& target);
    [[nodiscard]] bool record(const Requester& who, const Caller& caller, std::string_view operation,
                              const Target& target, const Decision& decision);
    [[nodiscard]] bool may_inherit(const SecretPath& path) const;
    [[nodiscard]] Answer<> check_opener(const OpenFile& file, const Requester& who,
                                        std::span<const Target> targets);

    Attestor& attestor_;
    AuditLog& audit_;
    Status& status_;
    const Settings settings_;
    std::atomic<std::uint64_t> generation_ = 0;
    mutable std::mutex policy_mutex_;  // a leaf; guards policy_
    std::shared_ptr<const Policy> policy_;
    std::atomic<bool> audit_failed_ = false;
    ExeHasher hasher_;
    OpenCounts counts_;
    std::mutex kept_mutex_;  // a leaf; guards kept_
    std::unordered_map<const Attested*, Kept> kept_;
};

}  // namespace coffer
