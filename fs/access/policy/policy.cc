// SPDX-License-Identifier: Apache-2.0
#include "access/policy/policy.h"

#include <algorithm>
#include <ctime>
#include <set>

#include "access/policy/open_counts.h"
#include "access/policy/policy_reader.h"
#include "access/policy/policy_rule.h"

namespace coffer {

Policy::Policy() = default;
Policy::~Policy() = default;

const std::vector<Rule>& Policy::rules() const {
    return rules_;
}

Result<std::shared_ptr<const Policy>> Policy::parse(std::span<const PolicySource> sources) {
    auto policy = std::make_shared<Policy>();
    std::set<std::string> names;
    for (const PolicySource& source : sources) {
        COFFER_TRY(auto rules, read_rules(source));
        for (Rule& rule : rules) {
            if (!names.insert(rule.name).second)
                return fail(Code::invalid, source.name, ": there are two rules named \"", rule.name,
                            "\"; the audit log tells rules apart by their names");
            policy->rules_.push_back(std::move(rule));
        }
    }
    return std::shared_ptr<const Policy>(std::move(policy));
}

bool Policy::may_inherit(const SecretPath& path) const {
    return std::ranges::any_of(
        rules_, [&](const Rule& rule) { return rule.allow && rule.inherit && rule.matches(path); });
}

std::vector<std::string> Policy::hashed_programs() const {
    std::vector<std::string> out;
    for (const Rule& rule : rules_) {
        if (!rule.sha256s || !rule.exes) continue;
        for (const Glob& exe : *rule.exes) {
            if (exe.text().find('*') == std::string::npos) out.push_back(exe.text());
        }
    }
    return out;
}

// ---- who is meant

namespace {

// For a rule with max_opens: the process, told from a later one of its number by its start.
std::string process_subject(const Caller& caller) {
    return concat("process ", caller.tgid, ' ', caller.start_ticks);
}

// The unit's present run. Without an invocation id (no systemd here) the cgroup's id, which is another one
// after a restart; without that, the unit for as long as this daemon runs: counting too long errs on the safe
// side.
std::string invocation_subject(const Caller& caller) {
    const std::string& unit = caller.cgroup.unit;
    if (!caller.invocation_id.empty()) return concat("invocation ", unit, ' ', caller.invocation_id);
    return concat("unit ", unit, ' ', caller.cgroup_id > 1 ? caller.cgroup_id : 0);
}

}  // namespace

Entitlement::Entitlement() = default;
Entitlement::~Entitlement() = default;
Entitlement::Entitlement(Entitlement&&) noexcept = default;
Entitlement& Entitlement::operator=(Entitlement&&) noexcept = default;

const std::vector<SecretPattern>& Entitlement::Claim::secrets() const {
    return rule->has_captures ? captured : rule->secrets;
}

bool Entitlement::Claim::matches(const SecretPath& path) const {
    return std::ranges::any_of(secrets(), [&](const SecretPattern& one) { return one.matches(path); });
}

Entitlement entitle(std::shared_ptr<const Policy> policy, const Caller& caller) {
    Entitlement entitlement;
    for (const Rule& rule : policy->rules()) {
        if (!rule.names_lasting(caller)) continue;
        if (!rule.names_changing(caller)) {
            if (!rule.allow) entitlement.near_deny_.push_back(&rule);
            continue;
        }
        if (!rule.names_hash(caller)) {
            entitlement.wants_sha256_ |= !caller.sha256;
            if (rule.allow || caller.sha256) continue;  // a denial holds also where the hash stays unknown
        }
        Entitlement::Claim claim{&rule, {}};
        if (rule.has_captures) {
            claim.captured = rule.captured_secrets(caller);
            if (claim.captured.empty()) continue;
        }
        auto& claims = !rule.allow                 ? entitlement.deny_
                       : rule.names_tracer(caller) ? entitlement.allow_
                                                   : entitlement.traced_;
        claims.push_back(std::move(claim));
    }
    entitlement.started_ = start_of(caller);
    entitlement.process_ = process_subject(caller);
    entitlement.invocation_ = invocation_subject(caller);
    entitlement.policy_ = std::move(policy);
    return entitlement;
}

// ---- what they may

Circumstances Circumstances::now(const OpenCounts* counts) {
    struct timespec time {};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return {std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec), counts};
}

Decision Entitlement::decide(const SecretPath& path, const Circumstances& now) const {
    Decision decision;
    decision.rests_on = Facts::all;
    decision.reason = kReasonNoRule;
    for (const Claim& claim : deny_) {
        if (!claim.matches(path)) continue;
        decision.rule = claim.rule->name;
        decision.reason = kReasonDenied;
        return decision;
    }
    // The first rule that allows it gives its name and its limit; each later one adds what it permits, and
    // presents what no earlier one has presented.
    std::optional<mode_t> mode;
    Facts rests_on = Facts::none;
    for (const Claim& claim : allow_) {
        const Rule& rule = *claim.rule;
        if (!claim.matches(path)) continue;
        if (rule.within && now.since_boot > started_ + *rule.within) {
            decision.reason = kReasonTooOld;
            continue;
        }
        const OpenLimit limit{rule.max_opens.value_or(0), rule.units ? invocation_ : process_};
        if (limit.max_opens && now.counts && now.counts->count(rule.name, limit.subject) >= limit.max_opens) {
            decision.reason = kReasonUsedUp;
            continue;
        }
        if (!decision.allow) {
            decision.rule = rule.name;
            decision.limit = limit;
        }
        decision.allow = true;
        rests_on = rests_on | rule.rests_on();
        if (!mode) mode = rule.mode;
        if (!decision.presentation.owner) decision.presentation.owner = rule.owner;
        if (!decision.presentation.group) decision.presentation.group = rule.owner_group;
        decision.inherit |= rule.inherit;
        decision.cached |= rule.cached;
    }
    if (!decision.allow) {
        if (std::ranges::any_of(traced_, [&](const Claim& claim) { return claim.matches(path); }))
            decision.reason = kReasonTraced;
        return decision;
    }
    for (const Rule* rule : near_deny_) {
        if (rule->matches(path)) rests_on = rests_on | rule->rests_on();
    }
    decision.reason = {};
    decision.rests_on = rests_on;
    if (mode) decision.presentation.mode = *mode;
    return decision;
}

std::vector<SecretPath> Entitlement::credentials(std::string_view key) const {
    std::vector<SecretPath> out;
    for (const Claim& claim : allow_) {
        if (!claim.rule->credential) continue;
        for (const SecretPattern& one : claim.secrets()) {
            const SecretPath path{one.org.text(), one.project.text(), one.domain.text(), key};
            const bool whole = one.org.is_literal() && one.project.is_literal() && one.domain.is_literal();
            if (whole && one.key.matches(key) && std::ranges::find(out, path) == out.end())
                out.push_back(path);
        }
    }
    return out;
}

bool Entitlement::may_see(const DirectoryPath& directory) const {
    return std::ranges::any_of(allow_, [&](const Claim& claim) {
        return std::ranges::any_of(claim.secrets(),
                                   [&](const SecretPattern& one) { return one.reaches(directory); });
    });
}

}  // namespace coffer
