// SPDX-License-Identifier: Apache-2.0
//
// `member ls` and `host ls`.
#include "command.h"
#include "session.h"

namespace coffer {
namespace {

class PrincipalLs final : public Command {
  public:
    explicit PrincipalLs(bool host)
        : Command(host ? "host ls" : "member ls", host ? "List the hosts" : "List the members"),
          host_(host) {}

    void add_options(OptionSet& options) override {
        options.add_flag("--removed", removed_, "Those that were removed as well");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto session, Session::read(common, out));
        std::vector<std::vector<std::string>> rows{{"NAME", "ROLE", "PATTERN", "FINGERPRINT", "SINCE"}};
        Json list = Json::array();
        for (const Principal& principal : session.roster().principals()) {
            if ((principal.role == Role::host) != host_ || (!principal.living() && !removed_)) continue;
            rows.push_back({principal.name, std::string(to_text(principal.role)), principal.pattern.text(),
                            principal.id.hex(),
                            concat("revision ", principal.added,
                                   principal.living() ? "" : concat(", removed at ", principal.removed))});
            list.push_back({{"name", principal.name},
                            {"role", to_text(principal.role)},
                            {"pattern", principal.pattern.text()},
                            {"id", principal.id.hex()},
                            {"recipient", principal.recipient.text()},
                            {"added", principal.added},
                            {"removed", principal.living() ? Json() : Json(principal.removed)}});
        }
        if (rows.size() > 1) out.table(rows);
        out.document(list);
        return {};
    }

  private:
    bool host_;
    bool removed_ = false;
};

}  // namespace

std::unique_ptr<Command> make_member_ls() {
    return std::make_unique<PrincipalLs>(false);
}
std::unique_ptr<Command> make_host_ls() {
    return std::make_unique<PrincipalLs>(true);
}

}  // namespace coffer
