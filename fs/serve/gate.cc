// SPDX-License-Identifier: Apache-2.0
#include "serve/gate.h"

#include <algorithm>
#include <cerrno>

namespace coffer {
namespace {

constexpr std::size_t kMaxKept = 8192;
constexpr std::string_view kCredential = "credential";
constexpr std::string_view kNotAudited = "it cannot be written to the audit log";

Decision refused(std::string_view reason) {
    Decision decision;
    decision.reason = reason;
    return decision;
}

}  // namespace

Gate::Gate(Attestor& attestor, AuditLog& audit, Status& status, Settings settings)
    : attestor_(attestor),
      audit_(audit),
      status_(status),
      settings_(settings),
      hasher_({.callers = settings.hash_waiters}) {
    set_policy(std::make_shared<const Policy>());  // nobody reads anything
}

void Gate::set_policy(std::shared_ptr<const Policy> policy) {
    for (const std::string& program : policy->hashed_programs()) hasher_.prepare(program);
    std::lock_guard lock(policy_mutex_);
    policy_ = std::move(policy);
    generation_.fetch_add(1, std::memory_order_acq_rel);
}

std::shared_ptr<const Policy> Gate::policy(std::uint64_t& generation) const {
    std::lock_guard lock(policy_mutex_);
    generation = generation_.load(std::memory_order_acquire);
    return policy_;
}

tl::unexpected<Errno> Gate::refusal() const {
    return answer_errno(settings_.denial == Denial::hide ? ENOENT : EACCES);
}

Visitor Gate::visitor(std::shared_ptr<const Attested> attested) {
    // Without a hash of its own it is what was attested, kept alive with it.
    auto facts_of = [](const std::shared_ptr<const Attested>& who,
                       const std::shared_ptr<const Caller>& with_hash) {
        return with_hash ? with_hash : std::shared_ptr<const Caller>(who, &who->caller());
    };
    {
        std::lock_guard lock(kept_mutex_);
        auto found = kept_.find(attested.get());
        // An expired pointer is another, earlier object at the same address.
        if (found != kept_.end() && found->second.generation == policy_generation() &&
            !found->second.attested.expired()) {
            auto facts = facts_of(attested, found->second.with_hash);
            return {std::move(attested), std::move(facts), found->second.entitlement,
                    found->second.generation};
        }
    }
    std::uint64_t generation = 0;
    auto now = policy(generation);
    Entitlement entitlement = entitle(now, attested->caller());
    std::shared_ptr<const Caller> with_hash;
    if (entitlement.wants_sha256()) {
        if (auto hash = hasher_.hash(attested->open_exe())) {
            auto caller = std::make_shared<Caller>(attested->caller());
            caller->sha256 = *hash;
            entitlement = entitle(std::move(now), *caller);
            with_hash = std::move(caller);
        }
    }
    auto shared = std::make_shared<const Entitlement>(std::move(entitlement));
    Visitor out{attested, facts_of(attested, with_hash), shared, generation};
    // A hash that could not be had is asked for again.
    if (shared->wants_sha256() && !with_hash) return out;
    std::lock_guard lock(kept_mutex_);
    if (kept_.size() >= kMaxKept)
        std::erase_if(kept_, [](const auto& one) { return one.second.attested.expired(); });
    if (kept_.size() >= kMaxKept) kept_.clear();
    kept_.insert_or_assign(attested.get(),
                           Kept{attested, std::move(with_hash), std::move(shared), generation});
    return out;
}

Circumstances Gate::circumstances() const {
    return Circumstances::now(&counts_);
}

Result<Visitor> Gate::identify(const Requester& who) {
    COFFER_TRY(auto attested, attestor_.attest(who.tid, who.uid, who.gid));
    return visitor(std::move(attested));
}

Result<Visitor> Gate::look_closer(Visitor found, const Requester& who, Facts facts) {
    COFFER_TRY(auto now, attestor_.look_closer(found.attested, who.tid, who.uid, who.gid, facts));
    if (now == found.attested) return found;
    return visitor(std::move(now));
}

Result<Pass> Gate::decide(Visitor found, const Requester& who, const SecretPath& path, Look look,
                          const Circumstances& now) {
    Decision decision = found.entitlement->decide(path, now);
    if (decision.allow && look == Look::quick) return Pass{std::move(found), decision, now.since_boot};
    auto before = found.entitlement;
    COFFER_TRY(found, look_closer(std::move(found), who, decision.rests_on | Facts::tracer));
    if (found.entitlement != before) decision = found.entitlement->decide(path, now);
    // Its facts have just been looked at: a refusal rests on all of them.
    if (!decision.allow && look == Look::quick && is_watcher(found.caller())) {
        decision = Decision{};
        decision.allow = true;
    }
    return Pass{std::move(found), decision, now.since_boot};
}

Answer<Visitor> Gate::admit(const Requester& who) {
    auto found = identify(who);
    // The kernel keeps directories: this is asked seldom enough to look at everything.
    if (found) found = look_closer(*std::move(found), who, Facts::all);
    if (!found) return refusal();
    return *std::move(found);
}

Answer<Visitor> Gate::check_directory(const Requester& who, const DirectoryPath& directory) {
    auto found = admit(who);
    if (!found || directory.org.empty() || found->entitlement->may_see(directory)) return found;
    if (is_watcher(found->caller())) return found;
    return refusal();
}

// A tracer would be the watcher as well.
bool Gate::is_watcher(const Caller& caller) const {
    const uid_t uid = caller.ids.fsuid;
    return (uid == 0 || uid == settings_.watch_user) && caller.cgroup.unit == kWatchUnit &&
           caller.tracer == 0;
}

Answer<Visitor> Gate::check_watcher(const Requester& who) {
    auto found = admit(who);
    if (!found || is_watcher(found->caller())) return found;
    return refusal();
}

Answer<Visitor> Gate::check_admin(const Requester& who) {
    auto found = admit(who);
    if (!found) return found;
    const Caller& caller = found->caller();
    const bool in_group =
        settings_.admin_group && (caller.ids.fsgid == *settings_.admin_group ||
                                  std::ranges::binary_search(caller.groups, *settings_.admin_group));
    if (caller.ids.fsuid == 0 || caller.ids.fsuid == settings_.own_user || in_group) return found;
    return refusal();
}

Answer<Pass> Gate::check_sight(const Requester& who, const SecretPath& path) {
    auto found = identify(who);
    if (!found) return refusal();
    auto pass = decide(*std::move(found), who, path, Look::quick, circumstances());
    if (!pass || !pass->decision.allow) return refusal();
    return *std::move(pass);
}

Answer<Pass> Gate::check_lookup(const Requester& who, const Target& target) {
    return check(who, target, "lookup", Look::quick);
}

Answer<Pass> Gate::check_open(const Requester& who, const Target& target) {
    return check(who, target, "open", Look::closer);
}

Answer<Pass> Gate::check(const Requester& who, const Target& target, std::string_view operation, Look look) {
    auto found = identify(who);
    auto pass = found ? decide(*std::move(found), who, target.path, look, circumstances())
                      : tl::make_unexpected(std::move(found).error());
    if (!pass) {
        (void)record(who, caller_of_record(who), operation, target, refused(pass.error().message));
        return refusal();
    }
    if (pass->decision.allow) return *std::move(pass);
    (void)record(who, pass->visitor.caller(), operation, target, pass->decision);
    return refusal();
}

std::string_view Gate::count_and_record(const Pass& pass, const Requester& who, std::string_view operation,
                                        const Target& target) {
    const Decision& decision = pass.decision;
    if (decision.limit.max_opens &&
        !counts_.take(decision.rule, decision.limit.subject, decision.limit.max_opens)) {
        (void)record(who, pass.visitor.caller(), operation, target, refused(kReasonUsedUp));
        return kReasonUsedUp;
    }
    return record(who, pass.visitor.caller(), operation, target, decision) ? std::string_view() : kNotAudited;
}

Answer<> Gate::admit_open(const Pass& pass, const Requester& who, const Target& target) {
    const std::string_view why = count_and_record(pass, who, "open", target);
    if (why.empty()) return {};
    return why == kNotAudited ? answer_errno(EACCES) : refusal();
}

Result<Visitor> Gate::identify_closely(const Requester& who) {
    COFFER_TRY(auto found, identify(who));
    return look_closer(std::move(found), who, Facts::all);
}

// The same process through and through: what the loader was taken for is what is decided about.
Result<Pass> Gate::check_credential(Visitor loader, const Requester& who, const Target& target) {
    const auto taken_for = loader.attested;
    auto pass = decide(std::move(loader), who, target.path, Look::closer, circumstances());
    if (pass && pass->visitor.attested != taken_for)
        pass = fail(Code::not_allowed, "process ", who.tid, " changed while it was looked at");
    if (!pass) {
        (void)record(who, taken_for->caller(), kCredential, target, refused(pass.error().message));
        return pass;
    }
    if (pass->decision.allow) return pass;
    (void)record(who, pass->visitor.caller(), kCredential, target, pass->decision);
    const Decision& decision = pass->decision;
    return fail(Code::not_allowed, decision.reason, decision.rule.empty() ? "" : ": ", decision.rule);
}

Result<void> Gate::admit_credential(const Pass& pass, const Requester& who, const Target& target) {
    const std::string_view why = count_and_record(pass, who, kCredential, target);
    if (why.empty()) return {};
    return fail(Code::not_allowed, why);
}

// Would the present policy have let the opener open?
Answer<> Gate::check_opener(const OpenFile& file, const Requester& who, std::span<const Target> targets) {
    if (!file.opener) {  // an earlier daemon's, and inherited: nobody knows who opened it
        const std::uint64_t generation = policy_generation();
        for (const Target& target : targets)
            if (!file.inherit || !may_inherit(target.path)) return answer_errno(EKEYREVOKED);
        file.policy_generation.store(generation, std::memory_order_release);
        return {};
    }
    Visitor opener = visitor(file.opener);
    for (const Target& target : targets) {
        Decision decision = opener.entitlement->decide(target.path, {file.opened, nullptr});
        if (decision.allow) continue;
        (void)record(who, opener.caller(), "read", target, decision);
        return answer_errno(EKEYREVOKED);
    }
    file.policy_generation.store(opener.policy_generation, std::memory_order_release);
    return {};
}

Answer<> Gate::check_read(const Requester& who, const OpenFile& file, std::span<const Target> targets) {
    // A policy that changed since is asked once per generation and handle.
    if (file.policy_generation.load(std::memory_order_acquire) != policy_generation())
        if (auto good = check_opener(file, who, targets); !good) return good;
    // Whoever has the descriptor may read, for as long as a rule still says so.
    if (file.inherit && std::ranges::all_of(targets, [&](auto& one) { return may_inherit(one.path); }))
        return {};

    auto reader = attestor_.attest(who.tid, who.uid, who.gid);
    if (!reader) {
        const Caller caller = caller_of_record(who);
        for (const Target& target : targets)
            (void)record(who, caller, "read", target, refused(reader.error().message));
        return answer_errno(EACCES);
    }
    if (*reader == file.opener) return {};
    // Somebody else reads: a child, the receiver of a descriptor, the same process after exec or setuid.
    for (const Target& target : targets) {
        auto pass = decide(visitor(*reader), who, target.path, Look::closer, circumstances());
        if (pass && pass->decision.allow) continue;
        if (pass)
            (void)record(who, pass->visitor.caller(), "read", target, pass->decision);
        else
            (void)record(who, (*reader)->caller(), "read", target, refused(pass.error().message));
        return answer_errno(EACCES);
    }
    return {};
}

Answer<Pass> Gate::check_taken_over(const Requester& who, const Target& target, bool inherit) {
    if (inherit && may_inherit(target.path)) return Pass{};
    auto found = identify(who);
    auto pass = found ? decide(*std::move(found), who, target.path, Look::closer, Circumstances{})
                      : tl::make_unexpected(std::move(found).error());
    if (pass && pass->decision.allow) return *std::move(pass);
    if (pass)
        (void)record(who, pass->visitor.caller(), "read", target, pass->decision);
    else
        (void)record(who, caller_of_record(who), "read", target, refused(pass.error().message));
    return answer_errno(EACCES);
}

bool Gate::may_inherit(const SecretPath& path) const {
    std::uint64_t generation = 0;
    return policy(generation)->may_inherit(path);
}

// A request may carry other ids than its thread has: an io_uring with a registered personality, an overlay
// that root has mounted. Then it is whose thread it is that goes on record; the reason tells of the other.
Caller Gate::caller_of_record(const Requester& who) const {
    if (auto found = attestor_.attest_thread(who.tid)) return (*found)->caller();
    Caller claimed;
    claimed.tid = who.tid;
    claimed.ids.fsuid = claimed.ids.euid = who.uid;
    claimed.ids.fsgid = claimed.ids.egid = who.gid;
    return claimed;
}

void Gate::audit_refusal(const Requester& who, std::string_view operation, const Target& target,
                         std::string_view reason) {
    // Mostly it is a caller known since its OPEN.
    if (auto found = attestor_.attest(who.tid, who.uid, who.gid))
        (void)record(who, (*found)->caller(), operation, target, refused(reason));
    else
        (void)record(who, caller_of_record(who), operation, target, refused(reason));
}

bool Gate::record(const Requester& who, const Caller& caller, std::string_view operation,
                  const Target& target, const Decision& decision) {
    if (!decision.allow) status_.count(Status::Count::refusals);
    std::string path;
    path.reserve(256);
    for (std::string_view part :
         {target.path.org, target.path.project, target.path.domain, target.path.key}) {
        if (!path.empty()) path += '/';
        path += part;
    }
    AuditEvent event;
    event.allow = decision.allow;
    event.operation = operation;
    event.path = path;
    event.rule = decision.rule;
    event.reason = decision.reason;
    event.version = target.version;
    event.scope = target.scope;
    event.resent = who.resent;
    auto written = audit_.record(caller, event);
    if (written) {
        if (audit_failed_.load(std::memory_order_relaxed) && audit_failed_.exchange(false))
            (void)status_.clear("audit");
        return true;
    }
    audit_failed_.store(true);
    (void)status_.raise("audit", written.error().message);
    return !settings_.audit_required;
}

}  // namespace coffer
