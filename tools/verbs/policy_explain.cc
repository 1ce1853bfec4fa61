// SPDX-License-Identifier: Apache-2.0
#include "access/advice/policy_explain.h"

#include <limits>
#include <map>
#include <tuple>

#include "access/audit/audit_chain.h"
#include "command.h"
#include "input/described_caller.h"
#include "input/number_option.h"
#include "input/policy_texts.h"
#include "output/explanation_text.h"
#include "session.h"

namespace coffer {
namespace {

// Decisions that are explained in the same words.
struct SameRecords {
    AuditRecord first;
    std::vector<std::uint64_t> sequences;
    std::uint64_t times = 0;
};

class PolicyExplain final : public Command {
  public:
    PolicyExplain() : Command("policy explain", "Say why a caller may read a secret or may not") {}

    void add_options(OptionSet& options) override {
        options.add("PATH", path_, "org/project/domain/KEY, or a file below the mount");
        auto pid = options.add("--pid", pid_, "The caller is this process").type_name("PID");
        auto as = options.add("--as", facts_, "The caller has these facts: user=NAME,unit=NAME,exe=FILE,...")
                      .type_name("FACTS");
        auto audit = options.add("--audit", audit_, "Explain the refusals of an audit log").type_name("FILE");
        number_.add_to(options, "--seq", "With --audit: this record alone, whatever was decided");
        options.add("--policy", policy_, "A policy file or folder; left out: the configuration's")
            .type_name("PATH");
        pid.excludes(as).excludes(audit);
        as.excludes(audit);
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(sequence_, number_.value());
        if (sequence_ && !audit_) return fail(Code::invalid, "--seq goes with --audit");
        if (audit_ && path_)
            return fail(Code::invalid, "the records of --audit name their paths; leave PATH out");
        if (!audit_ && !path_)
            return fail(Code::invalid, "expected a PATH such as acme/checkout/production/KEY");
        if (!audit_ && !pid_ && !facts_)
            return fail(Code::invalid, "expected a caller: --pid PID or --as user=NAME,unit=NAME,...");
        std::vector<std::string> named;
        if (policy_) named.push_back(*policy_);
        COFFER_TRY(auto texts, read_policy(common, named));
        return audit_ ? explain_audit(texts.policy, out) : explain_caller(common, texts.policy, out);
    }

  private:
    Result<void> explain_caller(const CommonOptions& common, const std::shared_ptr<const Policy>& policy,
                                Output& out) const {
        COFFER_TRY(std::string text, secret_text(common));
        COFFER_TRY(auto path, read_secret_path(text));
        DescribedCaller who;
        if (facts_) {
            COFFER_TRY(who, caller_from_facts(*facts_));
        } else {
            COFFER_TRY(auto pid, parse_number("the process", *pid_));
            if (pid == 0 || pid > std::numeric_limits<pid_t>::max())
                return fail(Code::invalid, "there is no process ", pid);
            COFFER_TRY(who, caller_of_process(static_cast<pid_t>(pid), policy));
        }
        Explanation explanation = explain(policy, who.caller, path, who.now, who.unseen);
        out.fields({{"caller", who.text()}, {"secret", text}});
        for (const std::string& remark : who.remarks) out.line("not seen: ", remark);
        print_explanation(explanation, out);
        if (out.json()) {
            Json document{{"secret", text}, {"caller", who.json()}, {"not_seen", who.remarks}};
            document.update(explanation_json(explanation));
            out.document(document);
        }
        return status_of(explanation, out);
    }

    static Result<void> status_of(const Explanation& explanation, Output& out) {
        if (explanation.allow) return {};
        COFFER_CHECK(out.finish());
        return fail(Code::not_allowed, "refused: ", explanation.reason);
    }

    // The path within the mount when it is one of a file system.
    [[nodiscard]] Result<std::string> secret_text(const CommonOptions& common) const {
        if (!path_->starts_with('/')) return *path_;
        COFFER_TRY(auto config, find_and_load_config(common));
        auto inside = std::filesystem::path(*path_).lexically_normal().lexically_relative(
            config.mount.lexically_normal());
        if (config.mount.empty() || inside.empty() || *inside.begin() == "..")
            return fail(Code::invalid, *path_, " is not below the mount ", config.mount.native());
        return inside.string();
    }

    [[nodiscard]] Result<std::vector<SameRecords>> records(Output& out) const {
        COFFER_TRY(auto text, read_audit_file(*audit_));
        if (auto chain = verify_audit(text); !chain)
            out.warning("the chain of ", *audit_, " does not hold (", chain.error().message,
                        "): this may not be what was decided");
        auto all = read_audit_records(text);
        if (!all) return wrap(std::move(all).error(), *audit_);
        std::vector<SameRecords> same;
        using Key = std::tuple<std::string, std::string, std::string, std::string, std::string, std::string,
                               uid_t, gid_t, std::optional<Hash>>;
        std::map<Key, std::size_t> by_key;
        for (AuditRecord& one : *all) {
            if (sequence_ ? one.sequence != *sequence_ : one.allow) continue;
            // A credential that was refused before it was known which secret it is.
            if (!sequence_ && one.operation == "credential" && !read_secret_path(one.path)) continue;
            const Caller& who = one.caller;
            Key key(one.path, one.reason, one.rule, who.cgroup.unit, who.cgroup.user_unit, who.exe.path,
                    who.ids.fsuid, who.ids.fsgid, who.sha256);
            auto [place, fresh] = by_key.emplace(std::move(key), same.size());
            if (fresh) same.push_back({one, {}, 0});
            same[place->second].sequences.push_back(one.sequence);
            same[place->second].times += one.times;
        }
        if (sequence_ && same.empty())
            return fail(Code::not_found, *audit_, " has no decision with number ", *sequence_);
        return same;
    }

    Result<void> explain_audit(const std::shared_ptr<const Policy>& policy, Output& out) const {
        COFFER_TRY(auto groups, records(out));
        Json list = Json::array();
        bool first = true;
        Explanation last;
        for (const SameRecords& one : groups) {
            if (!std::exchange(first, false)) out.line("");
            auto explained = explain_record(policy, one.first);
            if (!explained) return wrap(std::move(explained).error(), "record ", one.first.sequence);
            print_record(one, *explained, out);
            if (out.json()) list.push_back(record_json(one, *explained));
            last = std::move(explained->today);
        }
        out.line(groups.empty() ? "no refusals"
                                : "\nnot in the records: supplementary groups, slice, cgroup, "
                                  "tracer, age, user namespace");
        out.document(list);
        if (!sequence_) return {};
        return status_of(last, out);
    }

    static void print_record(const SameRecords& same, const RecordExplanation& explained, Output& out) {
        const AuditRecord& record = same.first;
        std::string numbers = concat(record.sequence);
        if (same.sequences.size() > 1) numbers += concat(" and ", same.sequences.size() - 1, " more");
        out.fields({{"record", concat(numbers, ", ", record.time, ", ", counted(same.times, "time"))},
                    {"caller", DescribedCaller{record.caller, {}, kUnseenInRecord, {}}.text()},
                    {"secret", concat(record.path, " (", record.operation, ')')}});
        if (!explained.agrees) out.line("not as recorded: ", explained.difference);
        print_explanation(explained.today, out);
    }

    static Json record_json(const SameRecords& same, const RecordExplanation& explained) {
        const AuditRecord& record = same.first;
        Json out{{"records", same.sequences},
                 {"time", record.time},
                 {"times", same.times},
                 {"operation", record.operation},
                 {"secret", record.path},
                 {"caller", DescribedCaller{record.caller, {}, kUnseenInRecord, {}}.json()},
                 {"recorded", {{"decision", record.allow ? "allow" : "deny"}, {"reason", record.reason}}},
                 {"agrees", explained.agrees}};
        if (!explained.agrees) out["difference"] = explained.difference;
        out.update(explanation_json(explained.today));
        return out;
    }

    std::optional<std::string> path_, pid_, facts_, audit_, policy_;
    NumberOption number_;
    std::optional<std::uint64_t> sequence_;  // what it says
};

}  // namespace

std::unique_ptr<Command> make_policy_explain() {
    return std::make_unique<PolicyExplain>();
}

}  // namespace coffer
