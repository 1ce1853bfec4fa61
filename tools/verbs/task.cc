// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <set>

#include "command.h"
#include "names/name.h"
#include "programs/relayed_program.h"
#include "programs/task_cgroup.h"
#include "programs/task_scope.h"
#include "programs/task_slice.h"
#include "session.h"

namespace coffer {
namespace {

std::vector<char*> own_environment() {
    std::vector<char*> out;
    for (char** one = environ; *one; ++one) out.push_back(*one);
    out.push_back(nullptr);
    return out;
}

class Task final : public Command {
  public:
    Task() : Command("task", "Run a program in the slice of its project and domain: task ... -- CMD") {}

    void add_options(OptionSet& options) override {
        options.add("--org", org_, "The organisation; else the one that the store has").type_name("ORG");
        options.add("--project", place_.project, "The project").type_name("PROJECT").required();
        options.add("--domain", place_.domain, "The domain").type_name("DOMAIN").required();
        options.add("--slice", slice_, concat("How slices are named; else ", kTaskSlice)).type_name("FORM");
    }

    std::vector<std::string>* program() override { return &words_; }
    [[nodiscard]] int status() const override { return end_like(end_); }

    Result<void> run(const CommonOptions& common, Output& out) override {
        if (words_.empty()) return fail(Code::invalid, "expected -- and a command; see `coffer task --help`");
        if (common.json)
            return fail(Code::invalid, "--json says nothing here: the output is the command's own");
        COFFER_TRY(place_.org, organisation(common, out));
        COFFER_CHECK(check_segment("organisation", place_.org));
        COFFER_CHECK(check_segment("project", place_.project));
        COFFER_CHECK(check_segment("domain", place_.domain));
        COFFER_TRY(auto slice, task_slice(slice_.value_or(std::string(kTaskSlice)), place_));
        // What sd_booted(3) looks at.
        if (::access("/run/systemd/system", F_OK) == 0) return run_scope(slice, out);
        return run_cgroup(slice);
    }

  private:
    Result<std::string> organisation(const CommonOptions& common, Output& out) const {
        if (org_) return *org_;
        auto session = Session::read(common, out);
        if (!session)
            return fail(Code::invalid,
                        "expected --org ORG, since the store cannot say it: ", session.error().message);
        std::set<std::string> found;
        for (const Scope& scope : session->roster().scopes()) found.insert(scope.org);
        if (found.size() == 1) return *found.begin();
        return fail(Code::invalid, "expected --org ORG, since the store has ", found.size(),
                    " organisations");
    }

    Result<void> run_scope(const std::string& slice, Output& out) {
        const TaskScope scope(slice);
        COFFER_TRY(const auto words, scope.words(words_));
        const auto environment = own_environment();
        COFFER_TRY(end_, run_relayed({words, environment}));
        // The task is over, whatever became of this.
        if (auto ended = scope.end(); !ended)
            out.warning("what the task has left running may go on: ", ended.error().message);
        return {};
    }

    Result<void> run_cgroup(const std::string& slice) {
        COFFER_TRY(auto cgroup, TaskCgroup::make(slice));
        COFFER_CHECK(cgroup.enter());
        const auto environment = own_environment();
        auto ended = run_relayed({words_, environment}, [&] { cgroup.leave(); });
        if (!ended) return Failure(std::move(ended).error());
        end_ = *ended;
        return {};
    }

    TaskPlace place_;
    std::optional<std::string> org_, slice_;
    std::vector<std::string> words_;
    int end_ = 0;  // as waitpid(2) says
};

}  // namespace

std::unique_ptr<Command> make_task() {
    return std::make_unique<Task>();
}

}  // namespace coffer
