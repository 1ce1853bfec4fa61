// SPDX-License-Identifier: Apache-2.0
#include "change/secrets.h"
#include "command.h"
#include "input/number_option.h"
#include "input/prompt.h"
#include "input/secret_path.h"
#include "session.h"
#include "view/resolve.h"

namespace coffer {
namespace {

class Rm final : public Command {
  public:
    Rm() : Command("rm", "Remove a secret (its versions stay until they are purged)") {}

    void add_options(OptionSet& options) override {
        path_.add_to(options);
        if_version_.add_to(options, "--if-version", "Only if N is the last version");
        options.add_flag("-r,--recursive", whole_scope_, "PATH is a scope: remove every secret of it");
        options.add_flag("-y,--yes", yes_, "Do not ask");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        return whole_scope_ ? remove_scope(common, out) : remove_one(common, out);
    }

  private:
    Result<void> remove_one(const CommonOptions& common, Output& out) const {
        COFFER_TRY(auto name, path_.name());
        COFFER_TRY(auto if_version, if_version_.value());
        COFFER_TRY(auto session, Session::write(common, out, concat("Remove ", name.text(), '?'), yes_));
        COFFER_TRY(auto done, remove_secret(session.store(), session.identity(), name, if_version));
        Json uncovers = Json::array();
        for (const SecretName& wider : done.uncovers) {
            out.warning(wider.text(), " takes over where ", name.text(), " applied");
            uncovers.push_back(wider.text());
        }
        out.line("removed ", name.text(), " (version ", done.version, ')');
        out.document({{"secret", name.text()},
                      {"version", done.version},
                      {"revision", done.committed.head.revision},
                      {"uncovers", uncovers}});
        return {};
    }

    // Those that were counted in the question: what somebody sets meanwhile stays.
    Result<void> remove_scope(const CommonOptions& common, Output& out) const {
        COFFER_TRY(auto scope, path_.scope());
        COFFER_TRY(auto if_version, if_version_.value());
        if (if_version)
            return fail(Code::invalid, "--if-version is about one secret, and --recursive about all");
        COFFER_TRY(auto names, live_names(common, out, scope));
        if (names.empty())
            return fail(Code::not_found, "no secret is set for ", scope.text(), " itself; see `coffer ls ",
                        scope.text(), '`');
        COFFER_CHECK(confirm_by_name(
            concat("This removes ", counted(names.size(), "secret"), " of ", scope.text(), '.'), scope.text(),
            yes_));
        COFFER_TRY(auto session, Session::write(common, out));
        COFFER_TRY(auto done, remove_secrets(session.store(), session.identity(), names));
        Json removed = Json::array(), uncovers = Json::array();
        for (const SecretName& name : done.removed) {
            removed.push_back(name.text());
            COFFER_TRY(auto wider, wider_live(session.view(), name));
            for (const Secret& one : wider) uncovers.push_back(one.name.text());
        }
        if (!uncovers.empty())
            out.warning(counted(uncovers.size(), "wider secret"),
                        " may show in place of what was removed: see"
                        " `coffer ls --tree`");
        out.line("removed ", counted(done.removed.size(), "secret"), " of ", scope.text());
        out.document({{"scope", scope.text()},
                      {"removed", removed},
                      {"revision", done.committed.head.revision},
                      {"uncovers", uncovers}});
        return {};
    }

    static Result<std::vector<SecretName>> live_names(const CommonOptions& common, Output& out,
                                                      const Scope& scope) {
        COFFER_TRY(auto session, Session::read(common, out));
        std::vector<SecretName> names;
        COFFER_CHECK(session.view().for_each(scope, [&](const Secret& secret) {
            if (secret.live) names.push_back(secret.name);
            return true;
        }));
        return names;
    }

    SecretOptions path_;
    NumberOption if_version_;
    bool whole_scope_ = false, yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_rm() {
    return std::make_unique<Rm>();
}

}  // namespace coffer
