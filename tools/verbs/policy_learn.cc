// SPDX-License-Identifier: Apache-2.0
#include "access/advice/policy_learn.h"

#include "access/audit/audit_chain.h"
#include "command.h"
#include "input/number_option.h"
#include "input/policy_texts.h"

namespace coffer {
namespace {

Json occurrences_json(const Occurrences& occurrences) {
    return {{"count", occurrences.count}, {"first", occurrences.first}, {"last", occurrences.last}};
}

class PolicyLearn final : public Command {
  public:
    PolicyLearn() : Command("policy learn", "Suggest the least rules that allow what an audit log refused") {}

    void add_options(OptionSet& options) override {
        options.add("FILE", files_, "Audit logs, whole").required();
        options.add_flag("--observed", observed_, "From what was allowed as well");
        widen_.add_to(options, "--widen", "More KEYs than this of one project and domain become a *");
        options.add("--policy", policy_, "Leave out what this policy file or folder allows already")
            .type_name("PATH");
    }

    Result<void> run(const CommonOptions&, Output& out) override {
        LearnOptions options;
        options.observed = observed_;
        COFFER_TRY(options.widen, widen_.value());
        if (policy_) {
            COFFER_TRY(auto texts, read_policy({*policy_}));
            options.policy = texts.policy;
        }
        std::vector<AuditRecord> records;
        for (const std::string& file : files_) COFFER_CHECK(read(file, records));
        COFFER_TRY(auto learnt, learn(records, options));
        print(learnt, out);
        return {};
    }

  private:
    // A rule gives somebody a secret, so it is learnt from nothing that may have been made up.
    static Result<void> read(const std::string& file, std::vector<AuditRecord>& records) {
        COFFER_TRY(auto text, read_audit_file(file));
        if (auto chain = verify_audit(text); !chain)
            return wrap(std::move(chain).error(), file,
                        ": nothing is learnt from a log whose chain does not hold");
        auto found = read_audit_records(text);
        if (!found) return wrap(std::move(found).error(), file);
        std::ranges::move(*found, std::back_inserter(records));
        return {};
    }

    static void print(const Learnt& learnt, Output& out) {
        std::string toml = learnt.toml();
        out.note(counted(learnt.records, "record"), " looked at, ", counted(learnt.rules.size(), "rule"),
                 " learnt, ", counted(learnt.allowed_already, "record"), " allowed by the policy already, ",
                 counted(learnt.not_learnt.size(), "refusal"), " that no rule changes");
        Json rules = Json::array(), others = Json::array();
        for (const LearntRule& rule : learnt.rules)
            rules.push_back({{"name", rule.draft.name},
                             {"who", rule.draft.who()},
                             {"secrets", rule.draft.secrets},
                             {"occurrences", occurrences_json(rule.occurrences)},
                             {"operations", rule.operations},
                             {"keys", rule.keys},
                             {"toml", rule.draft.toml()}});
        for (const NotLearnt& one : learnt.not_learnt)
            others.push_back({{"reason", one.reason},
                              {"rule", one.rule},
                              {"secret", one.path},
                              {"who", one.who},
                              {"occurrences", occurrences_json(one.occurrences)}});
        out.document({{"records", learnt.records},
                      {"allowed_already", learnt.allowed_already},
                      {"rules", rules},
                      {"not_learnt", others},
                      {"toml", toml}});
        toml.pop_back();
        out.line(toml);
    }

    std::vector<std::string> files_;
    bool observed_ = false;
    NumberOption widen_;
    std::optional<std::string> policy_;
};

}  // namespace

std::unique_ptr<Command> make_policy_learn() {
    return std::make_unique<PolicyLearn>();
}

}  // namespace coffer
