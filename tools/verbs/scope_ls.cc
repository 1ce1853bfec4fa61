// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "command.h"
#include "session.h"

namespace coffer {
namespace {

std::string key_state(const ScopeKey* key) {
    if (!key) return "-";
    return concat("generation ", key->generation, key->stale ? " (stale: rotate)" : "");
}

Json key_json(const ScopeKey* key) {
    if (!key) return {};
    return {{"generation", key->generation}, {"stale", key->stale}, {"id", key->id.hex()}};
}

class ScopeLs final : public Command {
  public:
    ScopeLs() : Command("scope ls", "List the scopes and their keys") {}

    void add_options(OptionSet&) override {}

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto session, Session::read(common, out));
        std::map<Scope, std::uint64_t> secrets;
        for (const Scope& scope : session.roster().scopes()) secrets[scope] = 0;
        COFFER_CHECK(session.view().for_each(std::nullopt, [&](const Secret& secret) {
            if (secret.live) ++secrets[secret.name.scope];
            return true;
        }));
        std::vector<std::vector<std::string>> rows{{"SCOPE", "MASKED", "RESTRICTED", "SECRETS"}};
        Json list = Json::array();
        for (const auto& [scope, count] : secrets) {
            const ScopeKey* masked = session.roster().newest(scope, Visibility::masked);
            const ScopeKey* restricted = session.roster().newest(scope, Visibility::restricted);
            rows.push_back({scope.text(), key_state(masked), key_state(restricted), concat(count)});
            list.push_back({{"scope", scope.text()},
                            {"masked", key_json(masked)},
                            {"restricted", key_json(restricted)},
                            {"secrets", count}});
        }
        out.table(rows);
        out.document(list);
        return {};
    }
};

}  // namespace

std::unique_ptr<Command> make_scope_ls() {
    return std::make_unique<ScopeLs>();
}

}  // namespace coffer
