// SPDX-License-Identifier: Apache-2.0
#include "programs/relayed_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/pipe.h"
#include "programs/spawn_plan.h"
#include "programs/terminal_link.h"
#include "programs/terminal_session.h"
#include "redact/output_channel.h"

namespace coffer {
namespace {

constexpr int kPassedOn[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};
// In the background of its terminal: how often to see whether it is in front now, which nobody tells.
constexpr int kForegroundTick = 250;
// Something that outlives the program has the terminal open: what it wrote by then is on its way here.
constexpr int kLastWords = 50;

Failure cannot_run(const std::string& program, int error) {
    const bool on_path = program.find('/') == program.npos;
    if (error == ENOENT && on_path)
        return fail(Code::not_found, "cannot run ", program, ": no folder of $PATH has it; see `echo $PATH`");
    if (error == ENOENT)  // of a script, or a program for another system
        return fail(Code::not_found, "cannot run ", program,
                    ": it is not there, or its interpreter is not; see `file ", program, '`');
    if (error == EACCES)
        return fail(Code::not_allowed, "cannot run ", program,
                    ": expected a file that this user may execute; see `ls -ld ", program, '`');
    return fail(Code::failed, "cannot run ", program, ": ", errno_text(error),
                error == E2BIG ? "; choose secrets with --only, or pass them as files with --file" : "");
}

// Whether what is written to it comes out anywhere. main opens closed ones as something that nobody can
// write.
bool is_writable(int descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY;
}

// Signals of this process, taken from a descriptor while it lives; as they were afterwards.
class TakenSignals {
  public:
    TakenSignals() {
        sigset_t taken;
        sigemptyset(&taken);
        for (int number : kPassedOn) sigaddset(&taken, number);
        sigaddset(&taken, SIGCHLD);
        ::signal(SIGCHLD, SIG_DFL);  // ignored, a child would leave no status
        pthread_sigmask(SIG_BLOCK, &taken, &before_);
        descriptor_ = Descriptor(signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    ~TakenSignals() { give_back(); }
    TakenSignals(const TakenSignals&) = delete;
    TakenSignals& operator=(const TakenSignals&) = delete;
    void give_back() const { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    [[nodiscard]] int descriptor() const { return descriptor_.get(); }
    [[nodiscard]] const sigset_t& before() const { return before_; }

  private:
    sigset_t before_{};
    Descriptor descriptor_;
};

class Relay {
  public:
    Result<int> run(const RelayedCall& call, const std::function<void()>& started) {
        if (signals_.descriptor() < 0) return fail(Code::failed, "signalfd: ", errno_text());
        redactor_ = call.redactor;
        auto running = start(call, started);
        if (started) started();
        if (!running) return Failure(std::move(running).error());
        let_go_of_stdin();
        if (link_) link_->attach();
        while (!end_ || !is_drained_) step();
        for (OutputChannel& channel : channels_) channel.flush();
        while (std::any_of(channels_.begin(), channels_.end(), [](auto& one) { return one.is_pending(); }))
            step();
        if (!link_) linger();
        return *end_;
    }

  private:
    Result<void> start(const RelayedCall& call, const std::function<void()>& started) {
        SpawnPlan plan(signals_.before());
        std::vector<Descriptor> theirs;  // closed here once the program has them
        channels_.reserve(2);
        if (call.redactor && ::isatty(STDOUT_FILENO)) {
            COFFER_CHECK(plan_terminal(plan, *call.redactor, theirs));
        } else if (call.redactor) {
            COFFER_CHECK(plan_pipe(plan, STDOUT_FILENO, *call.redactor, theirs));
            COFFER_CHECK(plan_pipe(plan, STDERR_FILENO, *call.redactor, theirs));
        }
        const auto spawn = [&](pid_t& pid) { return plan.spawn(call.words, call.environment, pid); };
        // In a process of its own, which stays: what this one holds is there once more.
        const auto spawn_in_session = [&](pid_t& pid) {
            call.redactor->lock_again();
            const int error = spawn(pid);
            if (started) started();
            return error;
        };
        const int error =
            link_ ? TerminalSession::start(link_->slave(), spawn_in_session, session_) : spawn(child_);
        if (error != 0) return cannot_run(call.words[0], error);
        if (session_) child_ = session_->program();
        return {};
    }

    Result<void> plan_pipe(SpawnPlan& plan, int to, const Redactor& redactor,
                           std::vector<Descriptor>& theirs) {
        if (!is_writable(to)) return {};
        COFFER_TRY(auto pipe, Pipe::make());
        plan.duplicate(pipe.write_end.get(), to);
        theirs.push_back(std::move(pipe.write_end));
        return add_channel(std::move(pipe.read_end), to, redactor);
    }

    Result<void> plan_terminal(SpawnPlan& plan, const Redactor& redactor, std::vector<Descriptor>& theirs) {
        COFFER_TRY(auto link, TerminalLink::make());
        link_.emplace(std::move(link));
        plan.open_terminal(link_->slave(), STDOUT_FILENO);
        if (::isatty(STDIN_FILENO)) plan.duplicate(STDOUT_FILENO, STDIN_FILENO);
        COFFER_TRY(auto output, link_->output());
        COFFER_CHECK(add_channel(std::move(output), STDOUT_FILENO, redactor));
        if (!::isatty(STDERR_FILENO)) return plan_pipe(plan, STDERR_FILENO, redactor, theirs);
        plan.duplicate(STDOUT_FILENO, STDERR_FILENO);
        return {};
    }

    Result<void> add_channel(Descriptor from, int to, const Redactor& redactor) {
        if (::fcntl(from.get(), F_SETFL, O_NONBLOCK) != 0) return fail(Code::failed, "fcntl: ", errno_text());
        channels_.emplace_back(std::move(from), to, redactor, OutputChannel::Writing::never_waits);
        return {};
    }

    void step() {
        std::vector<pollfd> wanted{{signals_.descriptor(), POLLIN, 0}};
        wanted.push_back(link_ ? link_->wanted() : pollfd{-1, 0, 0});
        wanted.push_back({session_ && !end_ ? session_->descriptor() : -1, POLLIN, 0});
        for (const OutputChannel& channel : channels_) wanted.push_back(channel.wanted());
        const int count = ::poll(wanted.data(), wanted.size(), timeout());
        if (count < 0) return;
        // Its end is known and nothing comes any more: whoever still has its output open says the rest later.
        if (count == 0 && end_) is_drained_ = true;
        for (std::size_t i = 0; i < channels_.size(); ++i) channels_[i].ready(wanted[i + 3].revents);
        const auto now = OutputChannel::Clock::now();
        for (OutputChannel& channel : channels_) channel.tick(now);
        if (link_) link_->ready(wanted[1].revents);
        if (link_) pass_hang_up();
        if (wanted[2].revents != 0) note_change(session_->news());
        if (wanted[0].revents != 0) take_signals();
        if (link_ && !link_->is_attached() && !end_) link_->attach();
        if (end_ && std::all_of(channels_.begin(), channels_.end(), [](auto& one) { return one.is_done(); }))
            is_drained_ = true;
    }

    // Its own terminal is gone: for the program, which may not heed SIGHUP, reading and writing fail then.
    void pass_hang_up() {
        if (!link_->is_hung_up() && channels_.front().write_error() == 0) return;
        channels_.front().close();
        link_->hang_up();
    }

    [[nodiscard]] int timeout() const {
        const bool pending =
            std::any_of(channels_.begin(), channels_.end(), [](auto& one) { return one.is_pending(); });
        if (end_ && !pending) return link_ ? kLastWords : 0;
        const int pause = poll_timeout(channels_);
        if (!link_ || link_->is_attached()) return pause;
        return pause < 0 ? kForegroundTick : std::min(pause, kForegroundTick);
    }

    void take_signals() {
        signalfd_siginfo info{};
        while (::read(signals_.descriptor(), &info, sizeof info) == sizeof info) {
            const int number = static_cast<int>(info.ssi_signo);
            if (number == SIGCHLD)
                look_at_child();
            else if (!end_)
                pass_on(number, info.ssi_code);
        }
    }

    void pass_on(int number, int code) {
        // From the terminal, to everybody in front: without a terminal of its own the program has got it too.
        // But that the terminal is gone only the leader of the session is told.
        const bool from_kernel = code > 0;
        const bool for_me_alone = number == SIGHUP && ::getsid(0) == ::getpid();
        if (!link_) {
            if (!from_kernel || for_me_alone) (void)::kill(child_, number);
        } else if (number == SIGWINCH) {
            link_->pass_size();
        } else if (number == SIGCONT) {
            go_on();
        } else {
            (void)::kill(from_kernel ? -child_ : child_, number);
        }
    }

    void look_at_child() {
        int status = 0;
        if (!session_ && !end_ && ::waitpid(child_, &status, WNOHANG) == child_) note_change(status);
    }

    void note_change(int status) {
        if (!WIFSTOPPED(status))
            end_ = status;
        else if (WSTOPSIG(status) != SIGSTOP)  // that somebody does from outside, and undoes from there
            stop(WSTOPSIG(status));
    }

    // The program was stopped in its own terminal (Ctrl-Z): so is this process with its whole job, for the
    // shell to see. Nobody stops a job that no shell watches; the program goes on then.
    void stop(int number) {
        for (OutputChannel& channel : channels_) channel.flush();
        for (OutputChannel& channel : channels_) {
            for (int tries = 0; channel.is_pending() && tries < 1000; ++tries) channel.ready(POLLOUT);
        }
        link_->detach();
        (void)::kill(0, number);  // returns once this process goes on
        go_on();
    }

    void go_on() {
        link_->detach();  // the shell may have changed the modes
        link_->attach();
        link_->pass_size();
        (void)::kill(-child_, SIGCONT);
    }

    // What the program has left running may still write: for that, a process of its own stays, so that
    // neither is anything lost nor does whoever waits for the program wait for that as well.
    void linger() {
        if (std::none_of(channels_.begin(), channels_.end(), [](auto& one) { return one.is_open(); })) return;
        auto locked = Pipe::make();
        if (::fork() != 0) {
            // What this process has locked stays so until the other has locked it too, and closes the pipe.
            char none = 0;
            if (locked) locked->write_end.reset();
            while (locked && ::read(locked->read_end.get(), &none, 1) < 0 && errno == EINTR) {
            }
            return;
        }
        signals_.give_back();
        redactor_->lock_again();
        for (OutputChannel& channel : channels_) channel.lock_again();
        if (locked) *locked = {};
        while (!std::all_of(channels_.begin(), channels_.end(), [](auto& one) { return one.is_done(); })) {
            std::vector<pollfd> wanted;
            for (const OutputChannel& channel : channels_) wanted.push_back(channel.wanted());
            (void)::poll(wanted.data(), wanted.size(), poll_timeout(channels_));
            for (std::size_t i = 0; i < channels_.size(); ++i) channels_[i].ready(wanted[i].revents);
            for (OutputChannel& channel : channels_) channel.tick(OutputChannel::Clock::now());
        }
        _exit(0);
    }

    // It is the program's alone: whoever writes into it is to learn when the program reads no more.
    static void let_go_of_stdin() {
        Descriptor nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        if (nothing) (void)::dup2(nothing.get(), STDIN_FILENO);
    }

    TakenSignals signals_;
    const Redactor* redactor_ = nullptr;
    std::optional<TerminalSession> session_;
    std::optional<TerminalLink> link_;
    std::vector<OutputChannel> channels_;
    pid_t child_ = -1;
    std::optional<int> end_;
    bool is_drained_ = false;
};

}  // namespace

Result<int> run_relayed(const RelayedCall& call, const std::function<void()>& started) {
    Relay relay;
    return relay.run(call, started);
}

Failure become_program(const RelayedCall& call) {
    const auto words = exec_pointers(call.words);
    (void)::execvpe(words[0], words.data(), call.environment.data());
    return cannot_run(call.words[0], errno);
}

int end_like(int wait_status) {
    if (!WIFSIGNALED(wait_status)) return WEXITSTATUS(wait_status);
    const int number = WTERMSIG(wait_status);
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, number);
    ::signal(number, SIG_DFL);
    (void)::kill(::getpid(), number);
    pthread_sigmask(SIG_UNBLOCK, &wanted, nullptr);
    return 128 + number;  // where this process cannot be ended so
}

}  // namespace coffer
