// SPDX-License-Identifier: Apache-2.0
#include "base/wall_clock.h"
#include "change/secrets.h"
#include "command.h"
#include "input/moment.h"
#include "input/number_option.h"
#include "input/secret_path.h"
#include "input/value_source.h"
#include "session.h"

namespace coffer {
namespace {

Json names(const std::vector<SecretName>& secrets) {
    Json out = Json::array();
    for (const SecretName& name : secrets) out.push_back(name.text());
    return out;
}

class Set final : public Command {
  public:
    Set() : Command("set", "Seal a value, new or anew") {}

    void add_options(OptionSet& options) override {
        path_.add_to(options);
        auto value = options.add("--value", value_.value, "The value itself (others can see it: avoid)");
        options.add("--from-file", value_.from_file, "Read the value from FILE, byte for byte")
            .type_name("FILE")
            .excludes(value);
        options.add("--visibility", visibility_, "masked (members may reveal it) or restricted (hosts only)")
            .type_name("VISIBILITY");
        options.add("--expires", expires_, "30d, 12h, ... from now, or 2027-01-31T00:00:00Z")
            .type_name("WHEN");
        if_version_.add_to(options, "--if-version", "Only if N is the last version (0: there never was one)");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto request, this->request());
        if (value_.value)
            out.warning("--value can be seen in the process list and the shell's history; pipe the value in");
        // A configuration that is wrong is said before anybody types a value.
        COFFER_CHECK(find_and_load_config(common));
        COFFER_TRY(auto value, read_value(value_, request.name.text()));
        if (value.empty()) out.warning("the value is empty");
        COFFER_TRY(auto session, Session::write(common, out));
        COFFER_TRY(auto done, set_secret(session.store(), session.identity(), request, value.view()));
        for (const SecretName& wider : done.shadows)
            out.warning(request.name.text(), " now hides ", wider.text(), " where both apply");
        out.line("set ", request.name.text(), " version ", done.version, " (", to_text(done.visibility),
                 done.made_scope_key ? ", with a new scope key)" : ")");
        out.document({{"secret", request.name.text()},
                      {"version", done.version},
                      {"visibility", to_text(done.visibility)},
                      {"revision", done.committed.head.revision},
                      {"made_scope_key", done.made_scope_key},
                      {"shadows", names(done.shadows)}});
        return {};
    }

  private:
    [[nodiscard]] Result<SetRequest> request() const {
        SetRequest request;
        COFFER_TRY(request.name, path_.name());
        if (visibility_) {
            COFFER_TRY(request.visibility, parse_visibility(*visibility_));
        }
        if (expires_) {
            COFFER_TRY(request.not_after_ms, parse_expiry(*expires_, wall_clock_ms()));
        }
        COFFER_TRY(request.if_version, if_version_.value());
        return request;
    }

    SecretOptions path_;
    ValueOptions value_;
    std::optional<std::string> visibility_, expires_;
    NumberOption if_version_;
};

}  // namespace

std::unique_ptr<Command> make_set() {
    return std::make_unique<Set>();
}

}  // namespace coffer
