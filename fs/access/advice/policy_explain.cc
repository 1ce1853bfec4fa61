// SPDX-License-Identifier: Apache-2.0
#include "access/advice/policy_explain.h"

#include <algorithm>
#include <array>

#include "names/name.h"

namespace coffer {
namespace {

constexpr std::size_t kNearest = 3;

const Rule* find_rule(const Policy& policy, std::string_view name) {
    auto found = std::ranges::find(policy.rules(), name, &Rule::name);
    return found == policy.rules().end() ? nullptr : &*found;
}

// How far a rule's best pattern goes along with the path, in segments: for telling near from far.
std::size_t segments_along(const Rule& rule, const SecretPath& path) {
    std::size_t best = 0;
    for (const SecretPattern& one : rule.secrets) {
        const bool parts[] = {one.org.matches(path.org), one.project.matches(path.project),
                              one.domain.matches(path.domain), one.key.matches(path.key)};
        auto first_off = std::ranges::find(parts, false) - std::begin(parts);
        best = std::max(best, static_cast<std::size_t>(first_off));
    }
    return best;
}

// The rules about this path with the fewest keys that fail; else those that name the caller.
std::vector<RuleMiss> nearest_rules(const Policy& policy, const Caller& caller, const SecretPath& path,
                                    const Circumstances& now, Unseen unseen) {
    std::vector<std::pair<std::size_t, RuleMiss>> here, elsewhere;
    for (const Rule& rule : policy.rules()) {
        if (!rule.allow) continue;
        RuleMiss miss{&rule, failed_keys(rule, caller, path, now, unseen)};
        if (is_about(rule, caller, path))
            here.emplace_back(miss.failed.size(), std::move(miss));
        else if (miss.failed.size() == 1)
            elsewhere.emplace_back(4 - segments_along(rule, path), std::move(miss));
    }
    auto& found = here.empty() ? elsewhere : here;
    std::ranges::stable_sort(found, {}, [](const auto& one) { return one.first; });
    std::vector<RuleMiss> out;
    for (auto& [distance, miss] : found) {
        if (distance == found.front().first && out.size() < kNearest) out.push_back(std::move(miss));
    }
    return out;
}

void suggest(Explanation& out, const Caller& caller, const SecretPath& path) {
    auto draft = draft_for(caller);
    if (!draft) {
        out.advice = draft.error().message;
        return;
    }
    std::set<std::string> taken;
    for (const Rule& rule : out.policy->rules()) taken.insert(rule.name);
    draft->secrets = {path_text(path)};
    draft->name = unique_name(concat(draft->who(), " reads ", path_text(path)), taken);
    draft->comments.insert(draft->comments.begin(),
                           concat("Lets ", draft->who(), " read ", path_text(path), " and nothing else."));
    if (auto good = check_draft(*draft, caller, path); good)
        out.draft = *std::move(draft);
    else
        out.advice = good.error().message;
}

std::string place_text(const Rule& rule) {
    return concat('"', rule.name, "\" (", rule.file, ':', rule.place.line, ':', rule.place.column, ')');
}

// What helps where a new rule does not.
std::string advice_for(std::string_view reason, const Rule* rule) {
    const std::string name = rule ? place_text(*rule) : "the rule";
    if (reason == kReasonDenied)
        return concat("a rule that denies wins over every rule that allows; change ", name);
    if (reason == kReasonTraced) return concat("detach the debugger, or set traced = true in ", name);
    if (reason == kReasonTooOld)
        return concat("let the process read at its start, or change `within` of ", name);
    if (reason == kReasonUsedUp) return concat("restart what reads, or change `max_opens` of ", name);
    if (reason == kReasonUncached)
        return "read with read(2), or set cached = true in the rule that allows it";
    return "no rule changes this";
}

std::string advice_for_hash(const Rule& rule, const Caller& caller) {
    if (!caller.sha256)
        return concat("the hash of the program is not known here, and ", place_text(rule),
                      " asks for it; the daemon has to be able to read the program");
    return concat("if the program was upgraded on purpose, add its hash to sha256 of ", place_text(rule),
                  ": ", caller.sha256->hex());
}

// The allowing rule that only its limits, or a tracer, keep from allowing it.
const Rule* limited_rule(const std::vector<RuleMiss>& nearest) {
    for (const RuleMiss& miss : nearest) {
        if (std::ranges::all_of(miss.failed, [](const FailedKey& failed) {
                return failed.key == "within" || failed.key == "traced";
            }))
            return miss.rule;
    }
    return nullptr;
}

// Could the rule have named the record's caller, as far as the record tells?
bool may_have_named(const Rule& rule, const Caller& caller, const SecretPath& path) {
    auto failed = failed_keys(rule, caller, path, {}, kUnseenInRecord);
    return std::ranges::all_of(failed, [](const FailedKey& one) { return one.unseen; });
}

const Rule* rule_that_may_allow(const Explanation& today, const AuditRecord& record, const SecretPath& path) {
    for (const Rule& rule : today.policy->rules()) {
        if (rule.allow && may_have_named(rule, record.caller, path)) return &rule;
    }
    return nullptr;
}

void refuse_as_recorded(Explanation& out, const AuditRecord& record, const Rule* rule) {
    out.allow = false;
    out.reason = record.reason;
    out.rule = rule;
    out.nearest.clear();
    out.draft.reset();
    out.advice = advice_for(record.reason, rule);
}

// Brings today's explanation of a refused record to what the record says, where facts that it does not hold
// can be the cause.
void follow_refusal(Explanation& today, const AuditRecord& record, const SecretPath& path) {
    const RefusalKind kind = kind_of_refusal(record.reason);
    const Rule* named = find_rule(*today.policy, record.rule);
    if (kind == RefusalKind::other) {
        refuse_as_recorded(today, record, today.rule);
    } else if (kind == RefusalKind::limit) {
        if (const Rule* rule = today.allow ? today.rule : rule_that_may_allow(today, record, path))
            refuse_as_recorded(today, record, rule);
    } else if (kind == RefusalKind::denied && named && !named->allow &&
               may_have_named(*named, record.caller, path)) {
        refuse_as_recorded(today, record, named);
    }
}

bool is_as_recorded(const Explanation& today, const AuditRecord& record) {
    return today.allow == record.allow && (today.allow || today.reason == record.reason);
}

// No record says whether its caller was in another user namespace, where no program is believed. If that
// makes today's decision the recorded one, it was so, or the policy is another.
void try_foreign(Explanation& today, const AuditRecord& record, const SecretPath& path) {
    if (is_as_recorded(today, record) || !today.rule || !today.rule->has_program()) return;
    Caller caller = record.caller;
    caller.foreign_user_namespace = true;
    Explanation foreign = explain(today.policy, caller, path, {}, kUnseenInRecord);
    if (!is_as_recorded(foreign, record)) return;
    today = std::move(foreign);
    if (!today.allow)
        today.advice =
            "the process was in another user namespace, where its program is not believed: name it "
            "by unit and user; or the rule is newer than the record";
}

}  // namespace

RefusalKind kind_of_refusal(std::string_view reason) {
    if (reason == kReasonNoRule) return RefusalKind::no_rule;
    if (reason == kReasonDenied) return RefusalKind::denied;
    const bool limit = reason == kReasonTraced || reason == kReasonTooOld || reason == kReasonUsedUp;
    return limit ? RefusalKind::limit : RefusalKind::other;
}

const Rule* rule_of_another_hash(const Policy& policy, const Caller& caller, const SecretPath& path,
                                 Unseen unseen) {
    for (const Rule& rule : policy.rules()) {
        if (!rule.allow || !rule.sha256s) continue;
        auto failed = failed_keys(rule, caller, path, {}, unseen);
        bool hash = std::ranges::any_of(failed, [](const FailedKey& one) { return one.key == "sha256"; });
        if (hash && std::ranges::all_of(
                        failed, [](const FailedKey& one) { return one.key == "sha256" || one.unseen; }))
            return &rule;
    }
    return nullptr;
}

Result<SecretPath> read_secret_path(std::string_view text) {
    std::array<std::string_view, 4> parts;
    std::string_view rest = text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        std::size_t slash = rest.find('/');
        if ((slash == rest.npos) != (i == 3))
            return fail(Code::invalid, "expected org/project/domain/KEY, found \"", printable(text), '"');
        parts[i] = rest.substr(0, slash);
        if (slash != rest.npos) rest.remove_prefix(slash + 1);
        COFFER_CHECK(i == 3 ? check_key(parts[i])
                            : check_segment(i == 0   ? "org"
                                            : i == 1 ? "project"
                                                     : "domain",
                                            parts[i]));
    }
    return SecretPath{parts[0], parts[1], parts[2], parts[3]};
}

Explanation explain(const std::shared_ptr<const Policy>& policy, const Caller& caller, const SecretPath& path,
                    const Circumstances& now, Unseen unseen) {
    const Entitlement entitlement = entitle(policy, caller);
    const Decision decision = entitlement.decide(path, now);
    Explanation out;
    out.policy = policy;
    out.allow = decision.allow;
    out.reason = decision.reason;
    if (!decision.rule.empty()) out.rule = find_rule(*policy, decision.rule);
    if (out.allow) return out;
    const RefusalKind kind = kind_of_refusal(out.reason);
    if (kind != RefusalKind::denied) out.nearest = nearest_rules(*policy, caller, path, now, unseen);
    if (kind == RefusalKind::limit) out.rule = limited_rule(out.nearest);
    const Rule* hashed = rule_of_another_hash(*policy, caller, path, unseen);
    if (kind == RefusalKind::no_rule && hashed)
        out.advice = advice_for_hash(*hashed, caller);
    else if (kind == RefusalKind::no_rule)
        suggest(out, caller, path);
    else
        out.advice = advice_for(out.reason, out.rule);
    return out;
}

Result<RecordExplanation> explain_record(const std::shared_ptr<const Policy>& policy,
                                         const AuditRecord& record) {
    COFFER_TRY(auto path, read_secret_path(record.path));
    RecordExplanation out;
    Explanation& today = out.today;
    today = explain(policy, record.caller, path, {}, kUnseenInRecord);
    try_foreign(today, record, path);
    if (!record.allow) {
        follow_refusal(today, record, path);
    } else if (const Rule* named = find_rule(*policy, record.rule);
               !today.allow && !today.rule && named && named->allow &&
               may_have_named(*named, record.caller, path)) {
        today = {};
        today.allow = true;
        today.rule = named;
        today.policy = policy;
    }
    out.agrees = today.allow == record.allow;
    if (!out.agrees)
        out.difference = record.allow ? "it was allowed; the policy was changed since"
                                      : "it was refused; the policy was changed since";
    return out;
}

}  // namespace coffer
