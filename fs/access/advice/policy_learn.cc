// SPDX-License-Identifier: Apache-2.0
#include "access/advice/policy_learn.h"

#include <algorithm>
#include <tuple>

#include "access/advice/policy_explain.h"
#include "access/policy/policy_rule.h"

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
    // NOLINTNEXTLINE(modernize-use-nullptr): the generated comparison with 0 is no pointer (clang-tidy 14)
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
        if (options_.policy && rule_of_another_hash(*options_.policy, record.caller, *path, kUnseenInRecord))
            return leave_out(record, "its program has another hash than the rule lists");
        auto draft = draft_for(record.caller);
        if (!draft) return leave_out(record, draft.error().message);
        if (record.caller.sha256 && !record.allow)
            draft->comments.push_back(
                concat("A rule asked for the hash of its program: was it changed? It is ",
                       record.caller.sha256->hex()));
        const RuleKey key = key_of(*draft, *path);
        const auto known = rules_.find(key);
        if (known == rules_.end() || !known->second.rule.keys.contains(std::string(path->key))) {
            // What no rule can say (a unit without a type, a program with no whole path) is found here.
            RuleDraft alone = *draft;
            alone.name = "r";
            alone.secrets = {record.path};
            if (auto good = check_draft(alone, record.caller, *path); !good)
                return leave_out(record, good.error().message);
        }
        take(record, *path, *draft, rules_[key]);
    }

    Result<Learnt> finish() {
        for (auto& [key, found] : rules_) {
            complete(key, found.rule);
            COFFER_CHECK(check(found));
            out_.rules.push_back(std::move(found.rule));
        }
        for (auto& [key, one] : not_learnt_) out_.not_learnt.push_back(std::move(one));
        return std::move(out_);
    }

  private:
    struct Found {
        LearntRule rule;
        std::vector<const AuditRecord*> records;
    };

    static void take(const AuditRecord& record, const SecretPath& path, const RuleDraft& draft,
                     Found& found) {
        LearntRule& rule = found.rule;
        // Of two drafts the one that says more of its program (it was replaced), so that the order of the
        // records does not matter.
        const bool more = found.records.empty() || draft.comments.size() > rule.draft.comments.size();
        std::vector<std::string> exes = std::move(rule.draft.exes);
        if (more) rule.draft = draft;
        rule.draft.exes = std::move(exes);
        for (const std::string& exe : draft.exes) {
            if (std::ranges::find(rule.draft.exes, exe) == rule.draft.exes.end())
                rule.draft.exes.push_back(exe);
        }
        rule.occurrences.add(record);
        rule.operations[record.operation] += record.times;
        rule.keys[std::string(path.key)] += record.times;
        found.records.push_back(&record);
    }

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

    static Result<void> check(const Found& found) {
        PolicySource source{"what was learnt", found.rule.draft.toml()};
        COFFER_TRY(auto policy, Policy::parse({&source, 1}));
        for (const AuditRecord* record : found.records) {
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
    std::map<RuleKey, Found> rules_;
    std::map<std::tuple<std::string, std::string, std::string, std::string>, NotLearnt> not_learnt_;
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
