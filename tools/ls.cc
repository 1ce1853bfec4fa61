// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "command.h"
#include "secret_path.h"
#include "session.h"
#include "version_text.h"

namespace coffer {
namespace {

class Ls final : public Command {
  public:
    Ls() : Command("ls", "List secrets") {}

    void add_options(CLI::App& app) override {
        filter_.add_to(app);
        app.add_flag("--removed", removed_, "Those that were removed as well");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto filter, filter_.filter());
        COFFER_TRY(auto session, Session::read(common, out));
        COFFER_TRY(auto secrets, matching(session.view(), filter));
        print(session, out, secrets);
        return {};
    }

  private:
    [[nodiscard]] Result<std::vector<Secret>> matching(View& view,
                                                       const FilterOptions::Filter& filter) const {
        std::vector<Secret> secrets;
        COFFER_CHECK(view.for_each(std::nullopt, [&](const Secret& secret) {
            if ((secret.live || removed_) && filter.matches(secret.name)) secrets.push_back(secret);
            return true;
        }));
        std::sort(secrets.begin(), secrets.end(),
                  [](const Secret& a, const Secret& b) { return a.name < b.name; });
        return secrets;
    }

    static void print(const Session& session, Output& out, const std::vector<Secret>& secrets) {
        std::vector<std::vector<std::string>> rows{
            {"SCOPE", "KEY", "VERSION", "VISIBILITY", "SET", "EXPIRES"}};
        Json list = Json::array();
        for (const Secret& secret : secrets) {
            Version gone;
            gone.version = secret.last_version;
            gone.change = Change::removal;
            const Version& version = secret.live ? *secret.live : gone;
            rows.push_back({secret.name.scope.text(), secret.name.key, concat(version.version),
                            std::string(to_text(secret.visibility)),
                            secret.live ? moment_text(version.time_ms) : "removed",
                            secret.live ? expiry_text(version) : ""});
            if (secret.live && version_state(secret, version) == "expired")
                rows.back().back() += " (expired)";
            if (!out.json()) continue;
            if (secret.live) {
                list.push_back(version_json(secret, version, session.name_of(version.signer)));
            } else {
                list.push_back({{"secret", secret.name.text()},
                                {"version", secret.last_version},
                                {"state", "removed"},
                                {"visibility", to_text(secret.visibility)}});
            }
        }
        if (rows.size() > 1) out.table(rows);
        out.document(list);
    }

    FilterOptions filter_;
    bool removed_ = false;
};

}  // namespace

std::unique_ptr<Command> make_ls() {
    return std::make_unique<Ls>();
}

}  // namespace coffer
