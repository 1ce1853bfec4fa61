// SPDX-License-Identifier: Apache-2.0
#include "change/secrets.h"
#include "command.h"
#include "secret_path.h"
#include "session.h"

namespace coffer {
namespace {

class Rm final : public Command {
  public:
    Rm() : Command("rm", "Remove a secret (its versions stay until they are purged)") {}

    void add_options(CLI::App& app) override {
        path_.add_to(app);
        app.add_option("--if-version", if_version_, "Only if N is the last version")->type_name("N");
        app.add_flag("-y,--yes", yes_, "Do not ask");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto name, path_.name());
        std::optional<std::uint64_t> if_version;
        if (if_version_) {
            COFFER_TRY(if_version, parse_number("--if-version", *if_version_));
        }
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
    std::optional<std::string> if_version_;
    bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_rm() {
    return std::make_unique<Rm>();
}

}  // namespace coffer
