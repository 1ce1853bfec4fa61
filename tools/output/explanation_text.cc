// SPDX-License-Identifier: Apache-2.0
#include "output/explanation_text.h"

#include "access/policy/policy_rule.h"

namespace coffer {
namespace {

void print_miss(const RuleMiss& miss, Output& out) {
    out.line("nearest rule: ", rule_place(*miss.rule));
    std::vector<std::vector<std::string>> rows{{"", "KEY", "WANTED", "FOUND"}};
    for (const FailedKey& one : miss.failed)
        rows.push_back({"", std::string(one.key), one.wanted, one.found});
    if (rows.size() > 1) out.table(rows);
}

Json rule_json(const Rule* rule) {
    if (!rule) return nullptr;
    return {{"name", rule->name},
            {"file", rule->file},
            {"line", rule->place.line},
            {"column", rule->place.column}};
}

}  // namespace

std::string rule_place(const Rule& rule) {
    return concat('"', rule.name, "\" (", rule.file, ':', rule.place.line, ':', rule.place.column, ')');
}

void print_explanation(const Explanation& explanation, Output& out) {
    if (explanation.allow) {
        out.line("allowed by ", rule_place(*explanation.rule));
        if (explanation.rule->max_opens)
            out.line("as often as its max_opens says; cofferd alone knows how often that was");
        return;
    }
    out.line("refused: ", explanation.reason,
             explanation.rule ? concat(": ", rule_place(*explanation.rule)) : "");
    for (const RuleMiss& miss : explanation.nearest) print_miss(miss, out);
    if (!explanation.advice.empty()) out.line("what to do: ", explanation.advice);
    if (!explanation.draft) return;
    out.line("this rule would allow it:\n");
    std::string toml = explanation.draft->toml();
    toml.pop_back();
    out.line(toml);
}

Json explanation_json(const Explanation& explanation) {
    Json out{{"decision", explanation.allow ? "allow" : "deny"}, {"rule", rule_json(explanation.rule)}};
    if (explanation.allow) return out;
    out["reason"] = explanation.reason;
    out["nearest"] = Json::array();
    for (const RuleMiss& miss : explanation.nearest) {
        Json failed = Json::array();
        for (const FailedKey& one : miss.failed)
            failed.push_back(
                {{"key", one.key}, {"wanted", one.wanted}, {"found", one.found}, {"known", !one.unseen}});
        out["nearest"].push_back({{"rule", rule_json(miss.rule)}, {"failed", failed}});
    }
    if (!explanation.advice.empty()) out["advice"] = explanation.advice;
    if (explanation.draft) out["suggestion"] = explanation.draft->toml();
    return out;
}

}  // namespace coffer
