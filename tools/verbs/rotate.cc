// SPDX-License-Identifier: Apache-2.0
#include "change/principals.h"
#include "command.h"
#include "input/secret_path.h"
#include "session.h"

namespace coffer {
namespace {

// Without a scope only what is stale, which also resumes an interrupted `member rm`; a scope that is named is
// rotated whether it is stale or not.
class Rotate final : public Command {
  public:
    Rotate() : Command("rotate", "Make new generations of scope keys: of the stale ones, or of one scope") {}

    void add_options(OptionSet& options) override {
        scope_.add_to(options, false);
        options.add_flag("--all", all_, "Every scope, stale or not");
        options.add_flag("--reseal", reseal_, "Also seal the live values anew under the new keys");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        RotateRequest request;
        COFFER_TRY(request.scope, scope_.scope());
        if (request.scope && all_) return fail(Code::invalid, "expected either a scope or --all, found both");
        request.stale_only = !request.scope && !all_;
        request.reseal = reseal_;
        COFFER_TRY(auto session, Session::write(common, out));
        if (request.scope && !session.roster().scope_number(*request.scope))
            return fail(Code::not_found, "there is no scope ", request.scope->text(),
                        "; see `coffer scope ls`");
        COFFER_TRY(auto done, rotate(session.store(), session.identity(), request));
        if (done.rotated == 0 && done.resealed == 0) {
            out.line(request.stale_only ? "no key is stale; nothing was changed" : "nothing was changed");
        } else {
            out.line("rotated ", counted(done.rotated, "scope key"), ", resealed ",
                     counted(done.resealed, "value"));
        }
        out.document({{"rotated", done.rotated},
                      {"resealed", done.resealed},
                      {"revision", done.committed.head.revision}});
        return {};
    }

  private:
    ScopeOptions scope_;
    bool all_ = false, reseal_ = false;
};

}  // namespace

std::unique_ptr<Command> make_rotate() {
    return std::make_unique<Rotate>();
}

}  // namespace coffer
