// SPDX-License-Identifier: Apache-2.0
#include "change/secrets.h"
#include "command.h"
#include "input/number_option.h"
#include "input/secret_path.h"
#include "session.h"

namespace coffer {
namespace {

class Restore final : public Command {
  public:
    Restore() : Command("restore", "Make an earlier version the live one again") {}

    void add_options(OptionSet& options) override {
        path_.add_to(options);
        options.add("VERSION", version_, "The version to bring back").required();
        if_version_.add_to(options, "--if-version", "Only if N is the last version");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto name, path_.name());
        COFFER_TRY(auto version, parse_number("VERSION", version_));
        COFFER_TRY(auto if_version, if_version_.value());
        COFFER_TRY(auto session, Session::write(common, out));
        COFFER_TRY(auto done, restore_secret(session.store(), session.identity(), name, version, if_version));
        out.line("restored version ", done.restored, " of ", name.text(), " as version ", done.version);
        out.document({{"secret", name.text()},
                      {"version", done.version},
                      {"restored", done.restored},
                      {"revision", done.committed.head.revision}});
        return {};
    }

  private:
    SecretOptions path_;
    std::string version_;
    NumberOption if_version_;
};

}  // namespace

std::unique_ptr<Command> make_restore() {
    return std::make_unique<Restore>();
}

}  // namespace coffer
