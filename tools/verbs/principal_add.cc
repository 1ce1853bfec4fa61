// SPDX-License-Identifier: Apache-2.0
//
// `member add` and `host add`: the same change, but a member has a role to choose and a host does not.
#include "change/principals.h"
#include "command.h"
#include "session.h"

namespace coffer {
namespace {

class PrincipalAddCommand final : public Command {
  public:
    explicit PrincipalAddCommand(bool host)
        : Command(host ? "host add" : "member add", host ? "Add a host: it unseals what meets its pattern"
                                                         : "Add a member: an owner, an admin or an editor"),
          host_(host) {}

    void add_options(OptionSet& options) override {
        options.add("NAME", name_, "A name that no living principal has").required();
        options.add("RECIPIENT", recipient_, "What `coffer identity show` prints: coffer1...").required();
        if (!host_) options.add("--role", role_, "owner, admin or editor").type_name("ROLE").required();
        options.add("--pattern", pattern_, "Where: org/project/domain, with * for any").type_name("PATTERN");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto add, this->add());
        COFFER_TRY(auto session, Session::write(common, out));
        COFFER_TRY(auto done, add_principal(session.store(), session.identity(), add));
        std::string pin = pin_text(Watermark{session.config().pin, done.head});
        out.line("added ", to_text(add.role), ' ', add.name, " of ", add.pattern.text());
        out.line("pin: ", pin);
        out.document({{"name", add.name},
                      {"role", to_text(add.role)},
                      {"pattern", add.pattern.text()},
                      {"id", add.recipient.id().hex()},
                      {"revision", done.head.revision},
                      {"pin", pin}});
        return {};
    }

  private:
    [[nodiscard]] Result<PrincipalAdd> add() const {
        PrincipalAdd add;
        add.name = name_;
        if (!host_) {
            COFFER_TRY(add.role, parse_role(role_));
            if (add.role == Role::host)
                return fail(Code::invalid, "a host is no member: use `coffer host add`");
        }
        if (pattern_) {
            COFFER_TRY(add.pattern, Pattern::parse(*pattern_));
        } else if (add.role != Role::owner) {
            return fail(Code::invalid, "expected --pattern org/project/domain, such as acme/*/production");
        }
        if (add.role == Role::owner && !add.pattern.is_any())
            return fail(Code::invalid, "an owner is of */*/*; leave --pattern out, or choose another role");
        COFFER_TRY(add.recipient, Recipient::parse(recipient_));
        return add;
    }

    bool host_;
    std::string name_, recipient_, role_;
    std::optional<std::string> pattern_;
};

}  // namespace

std::unique_ptr<Command> make_member_add() {
    return std::make_unique<PrincipalAddCommand>(false);
}
std::unique_ptr<Command> make_host_add() {
    return std::make_unique<PrincipalAddCommand>(true);
}

}  // namespace coffer
