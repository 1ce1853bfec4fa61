// SPDX-License-Identifier: Apache-2.0
#include "command.h"
#include "completion_script.h"
#include "input/path_candidates.h"
#include "names/name.h"
#include "session.h"

namespace coffer {
namespace {

// For the shells' scripts, which call it at each press of the key: without an identity, without a question,
// and without a word where there is no store.
class Completion final : public Command {
  public:
    Completion() : Command("completion", "Print a shell's completion script, or what may complete a path") {}

    void add_options(OptionSet& options) override {
        options.add("WHAT", what_, "bash, zsh or fish: the script; paths or scopes: what may complete TEXT")
            .required();
        options.add("TEXT", typed_, "The beginning of a path");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        if (what_ == "paths" || what_ == "scopes") return print_candidates(common, out);
        const std::string_view script = completion_script(what_);
        if (script.empty())
            return fail(Code::invalid, "expected bash, zsh, fish, paths or scopes, found \"",
                        printable(what_), '"');
        out.document({{"shell", what_}, {"script", script}});
        out.line(script.substr(0, script.size() - 1));  // without its line feed
        return {};
    }

  private:
    Result<void> print_candidates(const CommonOptions& common, Output& out) const {
        PathCandidates candidates(typed_);
        if (auto session = Session::read(common, out)) {
            if (what_ == "scopes") {
                for (const Scope& scope : session->roster().scopes()) candidates.add(scope.text());
            } else {
                for (const Scope& scope : session->roster().scopes())
                    add_secrets(session->view(), scope, candidates);
            }
        }
        for (const std::string& word : candidates.words()) out.line(word);
        out.document(candidates.words());
        return {};
    }

    // Where the next segment is one of the scope's own, its first secret completes it as well as all of them.
    void add_secrets(View& view, const Scope& scope, PathCandidates& candidates) const {
        const std::string folder = scope.text() + '/';
        const bool has_key = typed_.starts_with(folder);
        if (!has_key && !folder.starts_with(typed_)) return;
        (void)view.for_each(scope, [&](const Secret& secret) {
            if (secret.live) candidates.add(secret.name.text());
            return has_key || !secret.live;
        });
    }

    std::string what_, typed_;
};

}  // namespace

std::unique_ptr<Command> make_completion() {
    return std::make_unique<Completion>();
}

}  // namespace coffer
