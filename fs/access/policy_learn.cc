// SPDX-License-Identifier: Apache-2.0
#include "access/policy_learn.h"

#include <algorithm>
#include <tuple>

#include "access/policy_explain.h"
#include "access/policy_rule.h"

namespace coffer {
namespace {

std::string times(std::uint64_t count) {
    return concat(count, count == 1 ? " time" : " times");
}

std::string listed(const std::map<std::string, std::uint64_t>& counts) {
    std::string out;
    for (const auto& [name, count] : counts) {
        if (!out.empty()) out += ", ";
        out += concat(name, ' ', count);
    }
    return out;
}

// Whom a rule is for and what it is about: what is the same goes into one rule. In the order of the output.
struct RuleKey {
    std::string unit, user_unit, exe;
    std::optional<uid_t> uid;
    std::string scope;  // org/project/domain
    auto operator<=>(const RuleKey&) const = default;
};

RuleKey key_of(const RuleDraft& draft, const SecretPath& path) {
    return {draft.unit, draft.user_unit, draft.exes.empty() ? "" : draft.exes.front(), draft.uid,
            concat(path.org, '/', path.project, '/', path.domain)};
}

class Learner {
  public:
    explicit Learner(const LearnOptions& options) : options_(options) {
        if (!options.policy) return;
        for (const Rule& rule : options.policy->rules()) taken_.insert(rule.name);
    }

    void add(const AuditRecord& record) {
        if (record.allow && !options_.observed) return;
        ++out_.records;
        auto path = read_secret_path(record.path);
        if (!record.allow && kind_of_refusal(record.reason) != RefusalKind::no_rule)
            return leave_out(record, record.reason);
        if (!path) return leave_out(record, path.error().message);
        if (options_.policy && entitle(options_.policy, record.caller).decide(*path).allow) {
            ++out_.allowed_already;
            return;
        }
        auto draft = draft_for(record.caller);
        if (!draft) return leave_out(record, draft.error().message);
        auto [place, fresh] = rules_.try_emplace(key_of(*draft, *path));
        LearntRule& rule = place->second;
        // One that says more of its program (it was replaced), so that the order of the records does not
        // matter.
        if (fresh || draft->comments.size() > rule.draft.comments.size())
            rule.draft.comments = draft->comments;
        if (fresh) rule.draft = *draft;
        for (const std::string& exe : draft->exes) {
            if (std::ranges::find(rule.draft.exes, exe) == rule.draft.exes.end())
                rule.draft.exes.push_back(exe);
        }
        rule.occurrences.add(record);
        rule.operations[record.operation] += record.times;
        rule.keys[std::string(path->key)] += record.times;
        learnt_.push_back(&record);
    }

    Result<Learnt> finish() {
        for (auto& [key, rule] : rules_) {
            complete(key, rule);
            out_.rules.push_back(std::move(rule));
        }
        for (auto& [key, one] : not_learnt_) out_.not_learnt.push_back(std::move(one));
        COFFER_CHECK(check());
        return std::move(out_);
    }

  private:
    void leave_out(const AuditRecord& record, const std::string& reason) {
        auto named = draft_for(record.caller);
        std::string who = named ? named->who() : concat("uid ", record.caller.ids.fsuid);
        NotLearnt& one = not_learnt_[std::tuple(reason, record.path, who, record.rule)];
        one.reason = reason;
        one.path = record.path;
        one.who = who;
        one.rule = record.rule;
        one.occurrences.add(record);
    }

    void complete(const RuleKey& key, LearntRule& rule) {
        RuleDraft& draft = rule.draft;
        const bool wide = options_.widen && rule.keys.size() > *options_.widen;
        if (wide) draft.secrets.push_back(key.scope + "/*");
        for (const auto& [name, count] : rule.keys) {
            if (!wide) draft.secrets.push_back(concat(key.scope, '/', name));
        }
        draft.name = unique_name(concat(draft.who(), " reads ", key.scope), taken_);
        std::vector<std::string> facts = {
            concat(times(rule.occurrences.count), " (", listed(rule.operations), "), ",
                   rule.occurrences.first, " to ", rule.occurrences.last),
            concat(wide ? "made wider than what was read: " : "", listed(rule.keys))};
        draft.comments.insert(draft.comments.begin(), facts.begin(), facts.end());
    }

    [[nodiscard]] Result<void> check() const {
        PolicySource source{"what was learnt", out_.toml()};
        COFFER_TRY(auto policy, Policy::parse({&source, 1}));
        for (const AuditRecord* record : learnt_) {
            COFFER_TRY(auto path, read_secret_path(record->path));
            if (!entitle(policy, record->caller).decide(path).allow)
                return fail(Code::failed, "what was learnt does not allow record ", record->sequence,
                            ", which it was learnt from; nothing is suggested");
        }
        return {};
    }

    const LearnOptions& options_;
    Learnt out_;
    std::set<std::string> taken_;
    std::map<RuleKey, LearntRule> rules_;
    std::map<std::tuple<std::string, std::string, std::string, std::string>, NotLearnt> not_learnt_;
    std::vector<const AuditRecord*> learnt_;
};

}  // namespace

void Occurrences::add(const AuditRecord& record) {
    count += record.times;
    if (first.empty() || record.time < first) first = record.time;  // all in UTC, all as long
    last = std::max(last, record.last_time);
}

std::string Learnt::toml() const {
    std::string out = comment_line(
        "Learnt from an audit log. Read each rule before you use it: a refused read is a missing rule or an");
    out += comment_line("attempt, and nothing here can tell which.");
    for (const LearntRule& rule : rules) out += concat('\n', rule.draft.toml());
    if (!not_learnt.empty())
        out += concat('\n', comment_line("Refused for reasons that no new rule changes:"));
    for (const NotLearnt& one : not_learnt) {
        std::string by = one.rule.empty() ? "" : concat(" (rule \"", one.rule, "\")");
        out += comment_line(concat("  ", one.who, ", ", one.path, ": ", one.reason, by, ", ",
                                   times(one.occurrences.count), ", ", one.occurrences.first, " to ",
                                   one.occurrences.last));
    }
    return out;
}

Result<Learnt> learn(std::span<const AuditRecord> records, const LearnOptions& options) {
    Learner learner(options);
    for (const AuditRecord& record : records) learner.add(record);
    return learner.finish();
}

}  // namespace coffer
