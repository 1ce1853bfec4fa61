// SPDX-License-Identifier: Apache-2.0
#include "change/principals.h"
#include "command.h"
#include "input/secret_path.h"
#include "session.h"

namespace coffer {
namespace {

class ScopeAdd final : public Command {
  public:
    ScopeAdd()
        : Command("scope add", "Make both keys of a scope, so that its admins can set secrets there") {}

    void add_options(OptionSet& options) override { scope_.add_to(options); }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto scope, scope_.required_scope());
        COFFER_TRY(auto session, Session::write(common, out));
        COFFER_TRY(auto done, add_scope(session.store(), session.identity(), scope));
        Json made = Json::array();
        for (const ScopeKey& key : done.made) {
            out.line("made the ", to_text(key.visibility), " key of ", scope.text(), " (generation ",
                     key.generation, ')');
            made.push_back({{"visibility", to_text(key.visibility)},
                            {"generation", key.generation},
                            {"id", key.id.hex()}});
        }
        if (done.made.empty()) out.line(scope.text(), " has both its keys; nothing was changed");
        out.document(
            {{"scope", scope.text()}, {"made", std::move(made)}, {"revision", done.committed.head.revision}});
        return {};
    }

  private:
    ScopeOptions scope_;
};

}  // namespace

std::unique_ptr<Command> make_scope_add() {
    return std::make_unique<ScopeAdd>();
}

}  // namespace coffer
