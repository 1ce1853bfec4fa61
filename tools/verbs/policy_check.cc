// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "access/advice/host_facts.h"
#include "access/advice/policy_lint.h"
#include "access/policy/policy_rule.h"
#include "command.h"
#include "input/policy_texts.h"
#include "session.h"

namespace coffer {
namespace {

std::string_view to_text(Finding::Weight weight) {
    return weight == Finding::Weight::warning ? "warning" : "note";
}

// Who reads programs and policy: the owner of the host's identity, which is the daemon's alone.
std::optional<uid_t> daemon_of(const Config& config) {
    for (const auto& path : {config.host_identity, config.state}) {
        struct stat status {};
        if (!path.empty() && ::stat(path.c_str(), &status) == 0) return status.st_uid;
    }
    return std::nullopt;
}

class PolicyCheck final : public Command {
  public:
    PolicyCheck() : Command("policy check", "Check policy files, strictly and for likely mistakes") {}

    void add_options(OptionSet& options) override {
        options.add("PATH", named_, "Files, or folders of *.toml; left out: the configuration's");
        options.add_flag("--strict", strict_, "Status 1 when there is a warning");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto texts, read_policy(common, named_));
        auto config = find_and_load_config(common);
        if (!config && config.error().code != Code::not_found) out.warning(config.error().message);
        std::optional<uid_t> daemon = config ? daemon_of(*config) : std::nullopt;

        HostFacts host;
        host.units = find_unit_files();
        if (!host.units) skip("units", "no unit files on this host");
        host.programs = look_at_programs(*texts.policy, daemon);
        look_at_store(common, out, host);
        auto findings = lint(*texts.policy, texts.sources, host);
        if (config && named_.empty()) check_owners(*config, texts, daemon, findings);
        return report(texts, findings, out);
    }

  private:
    struct Skipped {
        std::string what, why;
    };
    void skip(std::string what, std::string why) { skipped_.push_back({std::move(what), std::move(why)}); }

    void look_at_store(const CommonOptions& common, Output& out, HostFacts& host) {
        auto session = Session::read(common, out);
        if (!session) return skip("secrets", session.error().message);
        std::vector<SecretName> names;
        auto done = session->view().for_each(std::nullopt, [&](const Secret& secret) {
            if (secret.live) names.push_back(secret.name);
            return true;
        });
        if (!done) return skip("secrets", done.error().message);
        host.secrets = std::move(names);
    }

    // The daemon refuses what somebody else can write. It is asked as the daemon's user, not as this one.
    static void check_owners(const Config& config, const PolicyTexts& texts, std::optional<uid_t> daemon,
                             std::vector<Finding>& findings) {
        std::vector<std::string> paths{config.policy.string()};
        for (const PolicySource& source : texts.sources) paths.push_back(source.name);
        for (const std::string& path : paths) {
            struct stat status {};
            if (::stat(path.c_str(), &status) != 0) continue;
            bool owned = status.st_uid == 0 || status.st_uid == daemon.value_or(geteuid());
            if (owned && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0) continue;
            findings.push_back({Finding::Weight::warning,
                                path,
                                {1, 1},
                                "owner",
                                {},
                                concat("cofferd refuses the whole policy: this must belong to root or to "
                                       "its user, writable by nobody else; run: chown root ",
                                       path, " && chmod go-w ", path)});
        }
    }

    Result<void> report(const PolicyTexts& texts, const std::vector<Finding>& findings, Output& out) const {
        Json list = Json::array(), files = Json::array(), skipped = Json::array();
        for (const Finding& one : findings) {
            out.line(one.file, ':', one.place.line, ':', one.place.column, ": ", to_text(one.weight), ": ",
                     one.text, " [", one.check, ']');
            list.push_back({{"file", one.file},
                            {"line", one.place.line},
                            {"column", one.place.column},
                            {"weight", to_text(one.weight)},
                            {"check", one.check},
                            {"rule", one.rule},
                            {"text", one.text}});
        }
        for (const Skipped& one : skipped_) {
            out.line("not checked: ", one.what, " (", one.why, ')');
            skipped.push_back({{"what", one.what}, {"why", one.why}});
        }
        for (const PolicySource& source : texts.sources) files.push_back(source.name);
        auto warnings = static_cast<std::size_t>(
            std::ranges::count(findings, Finding::Weight::warning, &Finding::weight));
        out.line(counted(texts.sources.size(), "file"), ", ", counted(texts.policy->rules().size(), "rule"),
                 ", ", counted(warnings, "warning"), ", ", counted(findings.size() - warnings, "note"));
        out.document({{"ok", warnings == 0},
                      {"files", files},
                      {"rules", texts.policy->rules().size()},
                      {"warnings", warnings},
                      {"notes", findings.size() - warnings},
                      {"not_checked", skipped},
                      {"findings", list}});
        if (!strict_ || warnings == 0) return {};
        COFFER_CHECK(out.finish());
        return fail(Code::failed, counted(warnings, "warning"), ", and --strict was given");
    }

    std::vector<std::string> named_;
    bool strict_ = false;
    std::vector<Skipped> skipped_;
};

}  // namespace

std::unique_ptr<Command> make_policy_check() {
    return std::make_unique<PolicyCheck>();
}

}  // namespace coffer
