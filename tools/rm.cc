// SPDX-License-Identifier: Apache-2.0
#include "change/secrets.h"
#include "command.h"
#include "number_option.h"
#include "secret_path.h"
#include "session.h"

namespace coffer {
namespace {

class Rm final : public Command {
  public:
    Rm() : Command("rm", "Remove a secret (its versions stay until they are purged)") {}

    void add_options(CLI::App& app) override {
        path_.add_to(app);
        if_version_.add_to(app, "--if-version", "Only if N is the last version");
        app.add_flag("-y,--yes", yes_, "Do not ask");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
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

  private:
    SecretOptions path_;
    NumberOption if_version_;
    bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_rm() {
    return std::make_unique<Rm>();
}

}  // namespace coffer
