// SPDX-License-Identifier: Apache-2.0
//
// Stepped: a program that is stopped and looked through at its system calls, from its start to its
// end (at each of them in the long form), so that no moment is missed in which it could be swapped out or
// dump a core. (Between two calls it copies and computes; what it leaves behind of that is there at the next
// one.)
#pragma once

#include <fcntl.h>
#include <pty.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/watched.h"

namespace coffer::test {

class Stepped {
  public:
    struct Ends {
        std::string input = "/dev/null";  // a file
        // On a terminal of its own, where these lines are typed, each once the text before it is shown.
        std::vector<std::pair<std::string, std::string>> typed = {};
    };
    struct Outcome {
        int status = -1;
        std::string output;
        std::size_t steps = 0;
    };

    // `words` from the program on. What is found outside of locked memory fails the test, told once for each
    // place.
    static Outcome run(Watched& watched, const std::vector<std::string>& words, const Ends& ends) {
        return Stepped(watched, words, ends).step_on();
    }

  private:
    Stepped(Watched& watched, const std::vector<std::string>& words, const Ends& ends)
        : watched_(watched), ends_(ends), output_(memfd_create("output", MFD_CLOEXEC)) {
        int terminal = -1;
        child_ = ends.typed.empty() ? fork() : forkpty(&terminal, nullptr, nullptr, nullptr);
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            if (ends.typed.empty()) {
                dup2(open(ends.input.c_str(), O_RDONLY | O_CLOEXEC), 0);
                dup2(output_.get(), 1);
                dup2(output_.get(), 2);
            }
            ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
            exec_program(words.front().c_str(), words);
        }
        terminal_ = Descriptor(terminal);
    }

    Outcome step_on() {
        Outcome out;
        int status = 0;
        REQUIRE(waitpid(child_, &status, 0) == child_);  // the exec
        REQUIRE(WIFSTOPPED(status));
        ptrace(PTRACE_SETOPTIONS, child_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
        bool entering = false;
        int signal = 0;
        for (;;) {
            ptrace(PTRACE_SYSCALL, child_, nullptr, signal);
            signal = 0;
            while (waitpid(child_, &status, WNOHANG) == 0) {
                type();
                usleep(50);
            }
            if (!WIFSTOPPED(status)) break;
            if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
                entering = !entering;
                if (entering && is_chosen(out.steps++)) (void)watched_.look(child_);
            } else {
                signal = WSTOPSIG(status);
            }
        }
        out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
        type();
        out.output = shown_ + file_text(concat("/proc/self/fd/", output_.get()));
        return out;
    }

    // Those that wait or tell something, the last, and of the others a few, or in the long form one in four.
    [[nodiscard]] bool is_chosen(std::size_t number) const {
        if (number % one_in_ == first_) return true;
        __ptrace_syscall_info info{};
        ptrace(PTRACE_GET_SYSCALL_INFO, child_, sizeof info, &info);
        const auto call = static_cast<long>(info.entry.nr);
        return call == SYS_write || call == SYS_exit_group || call == SYS_fdatasync || call == SYS_wait4;
    }

    void type() {
        if (!terminal_) return;
        for (pollfd ready{terminal_.get(), POLLIN, 0}; poll(&ready, 1, 0) > 0 && (ready.revents & POLLIN);) {
            char text[1024];
            const ssize_t size = read(terminal_.get(), text, sizeof text);
            if (size <= 0) return;
            shown_.append(text, static_cast<std::size_t>(size));
        }
        if (typed_ == ends_.typed.size()) return;
        const auto& [question, line] = ends_.typed[typed_];
        const std::size_t at = shown_.find(question, answered_);
        if (at == shown_.npos) return;
        answered_ = at + question.size();
        ++typed_;
        REQUIRE(write(terminal_.get(), (line + '\n').data(), line.size() + 1) > 0);
    }

    Watched& watched_;
    const Ends& ends_;
    const std::size_t one_in_ = is_long() ? 4 : 16;
    const std::size_t first_ = static_cast<std::size_t>(getpid() + ++runs_) % one_in_;  // others in each run
    static inline int runs_ = 0;
    Descriptor output_, terminal_;
    pid_t child_ = -1;
    std::string shown_;
    std::size_t typed_ = 0, answered_ = 0;
};

}  // namespace coffer::test
