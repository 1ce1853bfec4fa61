// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "change/secrets.h"
#include "command.h"
#include "input/number_option.h"
#include "input/secret_path.h"
#include "keys/base64.h"
#include "output/version_text.h"
#include "session.h"
#include "view/resolve.h"

namespace coffer {
namespace {

// The same dots for every value: not even its length is shown.
constexpr std::string_view kDots = "********";

class Get final : public Command {
  public:
    Get() : Command("get", "Show a secret's facts, or reveal a masked value") {}

    void add_options(OptionSet& options) override {
        path_.add_to(options);
        version_.add_to(options, "--version", "An earlier version");
        options.add_flag("--reveal", reveal_,
                         "Write the value itself to stdout, byte for byte (masked only)");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto name, path_.name());
        COFFER_TRY(auto number, version_.value());
        COFFER_TRY(auto session, reveal_ ? Session::reveal(common, out) : Session::read(common, out));
        COFFER_TRY(auto found, session.view().find(name));
        if (!found) return no_such(session.view(), name);
        COFFER_TRY(auto version, chosen(session.view(), *found, number));
        return reveal_ ? print_value(session, out, *found, version)
                       : print_facts(session, out, *found, version);
    }

  private:
    // A path of the mount may show a wider secret; say so to whoever looked for it here.
    static Failure no_such(View& view, const SecretName& name) {
        auto wider = wider_live(view, name);
        std::string hint;
        if (wider && !wider->empty()) hint = concat("; there is ", wider->front().name.text());
        return fail(Code::not_found, "no secret ", name.text(), hint, "; see `coffer ls --find ", name.key,
                    '`');
    }

    static Result<Version> chosen(View& view, const Secret& secret, std::optional<std::uint64_t> number) {
        if (!number) {
            if (secret.live) return *secret.live;
            return fail(Code::not_found, secret.name.text(), " was removed with version ",
                        secret.last_version, "; `coffer history ", secret.name.text(),
                        "` shows what can be restored");
        }
        COFFER_TRY(auto version, view.version(secret.name, *number));
        if (version) return *version;
        return fail(Code::not_found, secret.name.text(), " has no version ", *number, "; the last one is ",
                    secret.last_version, ": see `coffer history ", secret.name.text(), '`');
    }

    static Result<void> print_facts(const Session& session, Output& out, const Secret& secret,
                                    const Version& version) {
        std::string signer = session.name_of(version.signer);
        out.fields(
            {{"secret", secret.name.text()},
             {"version", concat(version.version, " (", version_state(secret, version), ')')},
             {"visibility", std::string(to_text(secret.visibility))},
             {std::string_view(to_text(version.change)),
              concat(moment_text(version.time_ms), " by ", signer, " (revision ", version.revision, ')')},
             {"expires", expiry_text(version)},
             {"value", std::string(version.change == Change::removal ? "-" : kDots)}});
        out.document(version_json(secret, version, signer));
        return {};
    }

    Result<void> print_value(Session& session, Output& out, const Secret& secret, const Version& version) {
        COFFER_TRY(auto value, coffer::reveal(session.store(), session.identity(), secret, version));
        if (isatty(STDOUT_FILENO)) out.warning("showing a secret on a terminal");
        if (!out.json()) return Output::raw(value.view());
        // The value goes from locked memory to the descriptor, never through a JSON library's strings.
        COFFER_TRY(auto encoded, base64(value.view()));
        std::string facts = version_json(secret, version, session.name_of(version.signer)).dump();
        facts.pop_back();
        COFFER_CHECK(Output::raw(as_bytes(facts + ",\"value_base64\":\"")));
        COFFER_CHECK(Output::raw(encoded.view()));
        return Output::raw(as_bytes("\"}\n"));
    }

    SecretOptions path_;
    NumberOption version_;
    bool reveal_ = false;
};

}  // namespace

std::unique_ptr<Command> make_get() {
    return std::make_unique<Get>();
}

}  // namespace coffer
