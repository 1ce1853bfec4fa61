// SPDX-License-Identifier: Apache-2.0
#include "command.h"
#include "input/secret_path.h"
#include "output/version_text.h"
#include "session.h"

namespace coffer {
namespace {

class History final : public Command {
  public:
    History() : Command("history", "Show the versions of a secret: what, when and by whom") {}

    void add_options(OptionSet& options) override { path_.add_to(options); }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto name, path_.name());
        COFFER_TRY(auto session, Session::read(common, out));
        COFFER_TRY(auto secret, session.view().find(name));
        if (!secret)
            return fail(Code::not_found, "there never was a secret ", name.text(),
                        "; see `coffer ls --removed --find ", name.key, '`');
        COFFER_TRY(auto versions, session.view().history(name));
        std::vector<std::vector<std::string>> rows{
            {"VERSION", "CHANGE", "STATE", "TIME", "BY", "REVISION", "EXPIRES"}};
        Json list = Json::array();
        for (const Version& version : versions) {
            std::string signer = session.name_of(version.signer);
            std::string change(to_text(version.change));
            if (version.change == Change::restore) change += concat(" from ", version.sealed_as);
            rows.push_back({concat(version.version), change, std::string(version_state(*secret, version)),
                            moment_text(version.time_ms), signer, concat(version.revision),
                            version.change == Change::removal ? "" : expiry_text(version)});
            list.push_back(version_json(*secret, version, signer));
        }
        out.table(rows);
        out.document(list);
        return {};
    }

  private:
    SecretOptions path_;
};

}  // namespace

std::unique_ptr<Command> make_history() {
    return std::make_unique<History>();
}

}  // namespace coffer
