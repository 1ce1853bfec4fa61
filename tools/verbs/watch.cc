// SPDX-License-Identifier: Apache-2.0
#include "command.h"
#include "input/moment.h"
#include "input/number_option.h"
#include "input/secret_path.h"
#include "log/commit.h"
#include "output/operation_text.h"
#include "programs/child_program.h"
#include "session.h"
#include "watch/change_relay.h"
#include "watch/stop_signal.h"

namespace coffer {
namespace {

constexpr std::size_t kBatch = 500;
constexpr std::chrono::milliseconds kTick{250}, kStopPatience{5000};

class Watch final : public Command {
  public:
    Watch() : Command("watch", "Show changes as they come; run a command, reload units, touch files") {}

    void add_options(OptionSet& options) override {
        options.add("--since", since_, "Begin with what came after this revision; else from now on")
            .type_name("REVISION");
        options.add("--exec", exec_, "Run this by sh for each change, with COFFER_PATH and others set")
            .type_name("COMMAND");
        options.add_flag("--reload", reload_, "Reload the units that on_change of the policy names");
        options.add("--touch", touch_, "Have inotify fire for the changed files of this mount")
            .type_name("MOUNT");
        options.add("--audit", audit_, "For --reload: rotated audit logs, and the one in use as the last")
            .type_name("FILE");
    }

    Result<void> run(const CommonOptions& common, Output& out) override {
        COFFER_TRY(auto config, find_and_load_config(common));
        COFFER_CHECK(prepare_relay(common, config));
        std::optional<std::uint64_t> since;
        if (since_) {
            COFFER_TRY(since, parse_number("--since", *since_));
        }
        COFFER_TRY(auto stop, StopSignal::create());
        auto session = open(common, out, stop);
        if (!session) return Failure(std::move(session).error());
        if (!*session) return {};
        COFFER_CHECK(begin(**session, since, out));
        return follow(**session, stop, out);
    }

  private:
    Result<void> prepare_relay(const CommonOptions& common, const Config& config) {
        if (!audit_.empty() && !reload_) return fail(Code::invalid, "--audit is for --reload; give both");
        if (!reload_ && !touch_) return {};
        ChangeRelay::Settings settings;
        settings.touch = touch_.has_value();
        settings.mount = touch_ ? std::filesystem::path(*touch_) : config.mount;
        // Nothing is asked of the mount itself, which may hang.
        std::error_code error;
        settings.mount = std::filesystem::absolute(settings.mount, error).lexically_normal();
        if (error || (touch_ ? touch_->empty() : config.mount.empty()))
            return fail(Code::invalid, "no mount to wait for: give --touch MOUNT, or `mount` in ",
                        config.file.native());
        if (!settings.mount.has_filename()) settings.mount = settings.mount.parent_path();
        if (reload_) {
            settings.reload_by = config.policy;
            COFFER_TRY(settings.audit_files, audit_files(common, audit_));
        }
        relay_.emplace(std::move(settings));
        return {};
    }

    // A store that cannot be opened is waited for. Nothing when it is time to stop.
    static Result<std::optional<Session>> open(const CommonOptions& common, Output& out, StopSignal& stop) {
        for (bool told = false;;) {
            auto session = Session::read(common, out);
            if (session) {
                if (told) out.note("the store is there");
                return std::optional<Session>(*std::move(session));
            }
            if (session.error().code != Code::unavailable) return Failure(std::move(session).error());
            if (!told) out.warning("waiting for the store: ", session.error().message);
            told = true;
            if (stop.wait(kTick)) return std::optional<Session>();
        }
    }

    Result<void> begin(Session& session, std::optional<std::uint64_t> since, Output& out) {
        shown_ = session.view().head();
        if (since && *since > shown_.revision)
            return fail(Code::not_found, "the store has no revision ", *since, "; its newest is ",
                        shown_.revision);
        if (since) {
            COFFER_TRY(auto hash, session.view().commit_hash_at(*since));
            shown_ = {*since, hash.value_or(Hash())};
        }
        out.note("watching from revision ", shown_.revision, " on");
        return {};
    }

    Result<void> follow(Session& session, StopSignal& stop, Output& out) {
        while (!stop.came()) {
            auto looked = look(session, stop, out);
            if (broken_) return Failure(*std::move(broken_));
            if (!looked && looked.error().code == Code::tampered) return looked;
            note_state(out, looked ? std::string() : looked.error().message, store_problem_,
                       "waiting for the store: ", "the store is there again");
            note_alarm(session, out);
            if (relay_) relay_->step(session.view(), out);
            (void)session.store().persist_watermark(false);
            // It returns at once while the log has something that was not shown, and cannot be.
            auto waited = session.store().backend().wait(shown_.revision, kTick);
            if ((!looked || !waited || session.store().alarm()) && stop.wait(kTick)) break;
        }
        return {};
    }

    // Whoever else may have taken the new commits into the view, which this user's commands share: what is
    // shown is what lies between the last one shown and the view's head, each commit as it was verified.
    Result<void> look(Session& session, StopSignal& stop, Output& out) {
        COFFER_CHECK(session.store().catch_up());
        COFFER_TRY(auto same, session.view().commit_hash_at(shown_.revision));
        const std::uint64_t head = session.view().head().revision;
        if (head < shown_.revision || (shown_.revision > 0 && same != shown_.hash))
            return fail(Code::tampered, "the store does not hold revision ", shown_.revision,
                        " any more, which was shown; run `coffer verify`, then start again");
        while (shown_.revision < head) {
            COFFER_TRY(auto commits, session.store().backend().read(shown_.revision + 1, kBatch));
            if (commits.empty())
                return fail(Code::unavailable, "revision ", shown_.revision + 1,
                            " is missing from the store");
            for (const StoredCommit& commit : commits) {
                if (commit.revision > head) return {};
                COFFER_TRY(auto hash, session.view().commit_hash_at(shown_.revision + 1));
                if (commit.revision != shown_.revision + 1 || commit_hash(commit.bytes) != hash)
                    return fail(Code::tampered, "revision ", commit.revision,
                                " is not the commit that was verified; run `coffer verify`");
                COFFER_TRY(auto envelope, parse_envelope(commit.bytes));
                COFFER_TRY(auto body, decode_body(envelope.body));
                shown_ = {commit.revision, *hash};
                show(session, envelope.signer, body, stop, out);
                if (broken_ || stop.came()) return {};
            }
        }
        return {};
    }

    void show(const Session& session, const SigningPublic& signer, const CommitBody& body, StopSignal& stop,
              Output& out) {
        const Roster& roster = session.roster();
        const Principal* principal = roster.find_signer(signer);
        const std::string who = principal ? principal->name : signer.hex();
        const std::string when = moment_text(body.time_ms);
        for (const Operation& operation : body.operations) {
            out.line(body.revision, "  ", when, "  ", who, "  ", operations_text({operation}, roster));
            Json line{
                {"revision", body.revision}, {"time", when}, {"time_ms", body.time_ms}, {"signer", who}};
            line.update(operation_json(operation, roster));
            out.document_line(line);
            if (auto written = out.finish(); !written) {
                broken_ = std::move(written).error();
                return;
            }
            auto changed = changed_secret(operation, roster);
            if (!changed) continue;
            if (relay_ && changed->shows) relay_->add(body.revision, changed->name);
            if (exec_ && !stop.came()) execute(body.revision, *changed, operation_name(operation), stop, out);
        }
    }

    void execute(std::uint64_t revision, const ChangedSecret& changed, std::string_view operation,
                 StopSignal& stop, Output& out) const {
        auto child = ChildProgram::start(
            {{"/bin/sh", "-c", *exec_},
             {concat("COFFER_PATH=", changed.name.text()), concat("COFFER_VERSION=", changed.version),
              concat("COFFER_OPERATION=", operation), concat("COFFER_REVISION=", revision)}});
        if (!child) {
            out.warning(child.error().message);
            return;
        }
        if (stop.wait(std::chrono::milliseconds(-1), child->descriptor())) {
            child->stop();
            if (!child->ends_within(kStopPatience)) return;  // it is killed
        }
        if (std::string end = child->end(); !end.empty())
            out.warning("the command for ", changed.name.text(), " version ", changed.version, " ended with ",
                        end);
    }

    static void note_state(Output& out, std::string problem, std::string& told, std::string_view before,
                           std::string_view solved) {
        if (problem == told) return;
        if (problem.empty())
            out.note(solved);
        else
            out.warning(before, problem);
        told = std::move(problem);
    }

    void note_alarm(Session& session, Output& out) {
        const auto& alarm = session.store().alarm();
        note_state(out,
                   alarm ? concat("revision ", alarm->revision, " is not believed: ", alarm->error.message)
                         : std::string(),
                   alarm_, "", "the store verifies again");
    }

    std::optional<std::string> since_, exec_, touch_;
    std::vector<std::string> audit_;
    bool reload_ = false;
    std::optional<ChangeRelay> relay_;
    Head shown_;  // the last commit that was shown
    std::string store_problem_, alarm_;
    std::optional<Error> broken_;  // the output
};

}  // namespace

std::unique_ptr<Command> make_watch() {
    return std::make_unique<Watch>();
}

}  // namespace coffer
