// SPDX-License-Identifier: Apache-2.0
#include "access/policy.h"

#include <algorithm>
#include <set>

#include "access/policy_reader.h"
#include "access/policy_rule.h"

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

Entitlement entitle(std::shared_ptr<const Policy> policy, const Caller& caller) {
    Entitlement entitlement;
    for (const Rule& rule : policy->rules()) {
        if (!rule.names_lasting(caller)) continue;
        if (rule.names_changing(caller))
            (rule.allow ? entitlement.allow_ : entitlement.deny_).push_back(&rule);
        else if (!rule.allow)
            entitlement.near_deny_.push_back(&rule);
    }
    entitlement.policy_ = std::move(policy);
    return entitlement;
}

Decision Entitlement::decide(const SecretPath& path) const {
    Decision decision;
    decision.rests_on = Facts::all;
    for (const Rule* rule : deny_) {
        if (!rule->matches(path)) continue;
        decision.rule = rule->name;
        decision.reason = "a rule denies it";
        return decision;
    }
    // The first rule that allows it gives its name; each later one adds what it permits, and presents what no
    // earlier one has presented.
    std::optional<mode_t> mode;
    Facts rests_on = Facts::none;
    for (const Rule* rule : allow_) {
        if (!rule->matches(path)) continue;
        if (!decision.allow) decision.rule = rule->name;
        decision.allow = true;
        rests_on = rests_on | rule->rests_on();
        if (!mode) mode = rule->mode;
        if (!decision.presentation.owner) decision.presentation.owner = rule->owner;
        if (!decision.presentation.group) decision.presentation.group = rule->owner_group;
        decision.inherit |= rule->inherit;
        decision.cached |= rule->cached;
    }
    if (!decision.allow) {
        decision.reason = "no rule allows it";
        return decision;
    }
    for (const Rule* rule : near_deny_) {
        if (rule->matches(path)) rests_on = rests_on | rule->rests_on();
    }
    decision.rests_on = rests_on;
    if (mode) decision.presentation.mode = *mode;
    return decision;
}

bool Entitlement::may_see(const DirectoryPath& directory) const {
    return std::any_of(allow_.begin(), allow_.end(), [&](const Rule* rule) {
        return std::any_of(rule->secrets.begin(), rule->secrets.end(),
                           [&](const SecretPattern& pattern) { return pattern.reaches(directory); });
    });
}

}  // namespace coffer
