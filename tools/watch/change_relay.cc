// SPDX-License-Identifier: Apache-2.0
#include "watch/change_relay.h"

#include "access/policy/policy_folder.h"
#include "base/mount_table.h"
#include "programs/child_program.h"

namespace coffer {
namespace {

constexpr std::chrono::seconds kRetry{1}, kSilence{15};

std::string_view text_of(TouchReport::End end) {
    switch (end) {
        case TouchReport::End::done:
            return "";
        case TouchReport::End::behind:
            return "it does not serve the newest revision yet";
        case TouchReport::End::closed:
            return "its .coffer/revision cannot be read; run as root or in the group coffer-admin";
        case TouchReport::End::nobody:
            break;
    }
    return "nobody answers there";
}

}  // namespace

ChangeRelay::ChangeRelay(Settings settings) : settings_(std::move(settings)), reads_(settings_.audit_files) {}

void ChangeRelay::add(std::uint64_t revision, const SecretName& name) {
    waiting_.insert(name);
    revision_ = revision;
}

void ChangeRelay::step(View& view, Output& out) {
    if (job_) {
        if (auto report = job_->look()) {
            job_.reset();
            finish(*report, view, out);
        } else if (Clock::now() - job_->started() > kSilence) {
            note_problem(out, "it does not answer");
            job_->kill();  // it may not be able to end: the next one starts when it has
        }
    }
    if (job_ || waiting_.empty() || Clock::now() < not_before_) return;
    auto started = start(view);
    if (started) return;
    not_before_ = Clock::now() + kRetry;
    note_problem(out, started.error().message);
}

Result<void> ChangeRelay::start(View& view) {
    COFFER_TRY(auto entry, find_mount(settings_.mount));
    if (!entry) return fail(Code::unavailable, "nothing is mounted there");
    if (entry->type != "fuse.coffer")
        return fail(Code::unavailable, "what is mounted there is of type ", entry->type);
    TouchOrder order{settings_.mount, revision_, {}};
    for (const SecretName& name : settings_.touch ? waiting_ : std::set<SecretName>()) {
        COFFER_TRY(auto paths, affected_paths(view, name));
        for (const AffectedPath& path : paths)
            if (path.shown) order.files.push_back(path.text());
    }
    COFFER_TRY(job_, TouchJob::start(order));
    at_work_.swap(waiting_);
    return {};
}

void ChangeRelay::finish(const TouchReport& report, View& view, Output& out) {
    for (const std::string& problem : report.problems) out.warning("cannot touch ", problem);
    if (report.end != TouchReport::End::done) {
        waiting_.merge(at_work_);
        at_work_.clear();
        not_before_ = Clock::now() + kRetry;
        note_problem(out, std::string(text_of(report.end)));
        return;
    }
    note_problem(out, {});
    if (settings_.reload_by) {
        if (auto done = reload(view, out); !done)
            out.warning("units may not have been reloaded: ", done.error().message);
    }
    at_work_.clear();
}

// The policy as the daemon would take it now: a file that others can write has no unit reloaded.
Result<void> ChangeRelay::reload(View& view, Output& out) {
    COFFER_TRY(auto policy, load_policy_folder(*settings_.reload_by));
    COFFER_CHECK(reads_.catch_up());
    std::set<std::string> units;
    for (const SecretName& name : at_work_) {
        COFFER_TRY(auto paths, affected_paths(view, name));
        for (const AffectedPath& path : paths) reads_.add_stale(*policy, path, units);
    }
    for (const std::string& unit : units) {
        // Not waited for: a service that takes long to reload holds up no other one.
        auto child =
            ChildProgram::start({{"systemctl", "--no-block", "try-reload-or-restart", "--", unit}, {}});
        if (!child) return Failure(std::move(child).error());
        if (std::string end = child->end(); !end.empty())
            out.warning("systemctl did not reload ", unit, ": it ended with ", end);
        else
            out.note("reloading ", unit);
    }
    return {};
}

void ChangeRelay::note_problem(Output& out, std::string problem) {
    if (problem == problem_) return;
    if (problem.empty())
        out.note(settings_.mount.native(), " serves what has changed again");
    else
        out.warning("changes wait for ", settings_.mount.native(), ": ", problem);
    problem_ = std::move(problem);
}

}  // namespace coffer
