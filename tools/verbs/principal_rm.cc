// SPDX-License-Identifier: Apache-2.0
//
// `member rm` and `host rm`: removes a principal, rotates the keys that it knew, and lists what to change at
// its source, for what somebody could unseal once cannot be taken back.
#include "change/principals.h"
#include "command.h"
#include "names/name.h"
#include "session.h"

namespace coffer {
namespace {

class PrincipalRm final : public Command {
  public:
    explicit PrincipalRm(bool host)
        : Command(host ? "host rm" : "member rm", host ? "Remove a host and rotate the keys it knew"
                                                       : "Remove a member and rotate the keys they knew"),
          host_(host) {}

    void add_options(OptionSet& options) override {
        options.add("NAME", name_, host_ ? "The host's name" : "The member's name").required();
        options.add_flag("-y,--yes", yes_, "Do not ask");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_CHECK(check_segment("name", name_));
        COFFER_TRY(
            auto session,
            Session::write(common, out, concat("Remove ", name_, " and rotate the keys it knew?"), yes_));
        COFFER_CHECK(check_kind(session.roster()));
        COFFER_TRY(auto done, remove_principal(session.store(), session.identity(), name_));
        out.line("removed ", name_, "; ", counted(done.rotated, "scope key"), " rotated");
        if (!done.to_change.empty()) out.line("it could read these; change them at their source:");
        Json to_change = Json::array();
        for (const SecretName& name : done.to_change) {
            out.line("  ", name.text());
            to_change.push_back(name.text());
        }
        out.document({{"name", name_},
                      {"rotated", done.rotated},
                      {"to_change", std::move(to_change)},
                      {"revision", done.committed.head.revision}});
        return {};
    }

  private:
    [[nodiscard]] Result<void> check_kind(const Roster& roster) const {
        const Principal* principal = roster.find_living(name_);
        if (!principal)
            return fail(Code::not_found, "no ", host_ ? "host" : "member", " is named ", name_,
                        "; see `coffer ", host_ ? "host" : "member", " ls`");
        if ((principal->role == Role::host) != host_)
            return fail(Code::not_found, name_, " is ", to_text(principal->role), ", not a ",
                        host_ ? "host" : "member", "; use `coffer ", host_ ? "member" : "host", " rm`");
        return {};
    }

    bool host_;
    std::string name_;
    bool yes_ = false;
};

}  // namespace

std::unique_ptr<Command> make_member_rm() {
    return std::make_unique<PrincipalRm>(false);
}
std::unique_ptr<Command> make_host_rm() {
    return std::make_unique<PrincipalRm>(true);
}

}  // namespace coffer
