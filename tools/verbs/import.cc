// SPDX-License-Identifier: Apache-2.0
#include "change/import.h"

#include <set>

#include "command.h"
#include "output/progress_bar.h"
#include "session.h"
#include "transfer/import_names.h"
#include "transfer/import_source.h"
#include "view/resolve.h"

namespace coffer {
namespace {

class Import final : public Command {
  public:
    Import() : Command("import", "Seal the secrets of a file or folder") {}

    void add_options(OptionSet& options) override {
        options.add("FILE", path_, "A file, a folder, or - for stdin").required().type_name("FILE|DIR|-");
        options.add("--scope", scope_, "Where they go: org/project/domain, with * for all")
            .required()
            .type_name("SCOPE");
        options.add("--format", format_, "dotenv, kestra, json, dir or pass; else it is found out")
            .type_name("FORMAT");
        options.add("--visibility", visibility_, "masked (members may reveal it) or restricted (hosts only)")
            .type_name("VISIBILITY");
        options.add_flag("--dry-run", dry_run_,
                         "Show what would be new, changed or the same, and change nothing");
        options.add_flag("--rename", names_.rename, "Put _ for what a KEY may not have");
        options.add_flag("--skip-invalid", names_.skip_invalid, "Leave out what has no valid KEY");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        ImportRequest request;
        COFFER_TRY(request.scope, Scope::parse(scope_));
        if (visibility_) {
            COFFER_TRY(request.visibility, parse_visibility(*visibility_));
        }
        std::optional<Format> format;
        if (format_ && *format_ != "auto") {
            COFFER_TRY(format, parse_format(*format_));
        }
        COFFER_CHECK(find_and_load_config(common));
        COFFER_TRY(auto source, ImportSource::read(path_, format));
        for (const std::string& warning : source.entries().warnings) out.warning(warning);
        COFFER_TRY(auto values, checked(source.entries().list, out));
        request.values = values;
        if (dry_run_) return show_plan(common, out, request);
        COFFER_TRY(auto session, Session::write(common, out));
        return seal(session, out, request);
    }

  private:
    Result<std::vector<ImportedValue>> checked(const std::vector<Entry>& entries, Output& out) const {
        ImportNames names = import_names(entries, names_);
        for (const std::string& note : names.notes) out.note(note);
        for (const std::string& warning : names.warnings) out.warning(warning);
        for (const std::string& problem : names.problems) out.note(problem);
        if (!names.problems.empty())
            return fail(
                Code::invalid, "of ", path_, ' ', names.problems.size(), " of ", entries.size(),
                " secrets cannot be imported, and nothing was changed; for names that are no KEY there "
                "are --rename and --skip-invalid");
        return std::move(names.values);
    }

    static Result<void> show_plan(const CommonOptions& common, Output& out, const ImportRequest& request) {
        COFFER_TRY(auto session, Session::reveal(common, out));
        COFFER_TRY(auto plan, plan_import(session.store(), session.identity(), request));
        std::vector<std::vector<std::string>> rows{{"CHANGE", "SECRET", "VERSION"}};
        Json list = Json::array();
        for (std::size_t i = 0; i < plan.size(); ++i) {
            const std::string name = SecretName{request.scope, request.values[i].key}.text();
            const bool unknown = plan[i].comparison == Comparison::unknown;
            rows.push_back(
                {std::string(to_text(plan[i].comparison)), name,
                 unknown ? concat("version ", plan[i].version, " would be added") : concat(plan[i].version)});
            list.push_back(
                {{"secret", name}, {"change", to_text(plan[i].comparison)}, {"version", plan[i].version}});
        }
        if (rows.size() > 1) out.table(rows);
        out.line("nothing was changed");
        out.document({{"dry_run", true}, {"scope", request.scope.text()}, {"secrets", list}});
        return {};
    }

    Result<void> seal(Session& session, Output& out, const ImportRequest& request) const {
        ImportOutcome in;
        Result<ImportOutcome> done;
        {
            ProgressBar bar("sealing", request.values.size());
            bar.show(0);
            done = import_values(session.store(), session.identity(), request, [&](const ImportOutcome& now) {
                in = now;
                bar.show(now.looked_at);
            });
        }
        if (!done && in.commits == 0) return Failure(std::move(done).error());
        if (!done)
            return wrap(std::move(done).error(), in.looked_at, " of ", request.values.size(),
                        " are in, up to ", request.values[in.looked_at - 1].key,
                        "; run the same import again for the rest");
        COFFER_CHECK(warn_of_shadows(session.view(), out, request));
        out.line("imported ", counted(in.added + in.changed, "secret"), " into ", request.scope.text(), " (",
                 in.added, " new, ", in.changed, " changed; ", in.same, " were the same)");
        out.document({{"scope", request.scope.text()},
                      {"new", in.added},
                      {"changed", in.changed},
                      {"same", in.same},
                      {"commits", in.commits},
                      {"revision", done->committed.head.revision}});
        return {};
    }

    // As `set` says it of one, but with one look at the wider scopes, which mostly have few secrets.
    static Result<void> warn_of_shadows(View& view, Output& out, const ImportRequest& request) {
        std::set<std::string> wider;
        const Scope& scope = request.scope;
        for (const Scope& other : view.roster().scopes()) {
            const bool wide = other.project.empty() || other.domain.empty();
            if (other == scope || other.org != scope.org || !wide) continue;
            COFFER_CHECK(view.for_each(other, [&](const Secret& secret) {
                if (secret.live) wider.insert(secret.name.key);
                return true;
            }));
        }
        if (wider.empty()) return {};
        for (const ImportedValue& value : request.values) {
            if (!wider.contains(value.key)) continue;
            const SecretName name{scope, value.key};
            COFFER_TRY(auto hidden, wider_live(view, name));
            for (const Secret& secret : hidden)
                out.warning(name.text(), " hides ", secret.name.text(), " where both apply");
        }
        return {};
    }

    std::string path_, scope_;
    std::optional<std::string> format_, visibility_;
    NameOptions names_;
    bool dry_run_ = false;
};

}  // namespace

std::unique_ptr<Command> make_import() {
    return std::make_unique<Import>();
}

}  // namespace coffer
