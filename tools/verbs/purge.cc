// SPDX-License-Identifier: Apache-2.0
#include "change/secrets.h"
#include "command.h"
#include "input/number_option.h"
#include "input/secret_path.h"
#include "session.h"

namespace coffer {
namespace {

class PurgeCommand final : public Command {
  public:
    PurgeCommand() : Command("purge", "Destroy the sealed value of a version that is not live, for good") {}

    void add_options(OptionSet& options) override {
        path_.add_to(options);
        options.add("VERSION", version_, "The version to destroy").required();
        options.add_flag("-y,--yes", yes_, "Do not ask");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto name, path_.name());
        COFFER_TRY(auto version, parse_number("VERSION", version_));
        COFFER_TRY(
            auto session,
            Session::write(common, out,
                           concat("Destroy version ", version, " of ", name.text(), " for good?"), yes_));
        COFFER_TRY(auto done, purge_version(session.store(), session.identity(), name, version));
        out.line("purged version ", version, " of ", name.text());
        out.document({{"secret", name.text()}, {"version", version}, {"revision", done.head.revision}});
        return {};
    }

  private:
    SecretOptions path_;
    std::string version_;
    bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_purge() {
    return std::make_unique<PurgeCommand>();
}

}  // namespace coffer
