// SPDX-License-Identifier: Apache-2.0
//
// TerminalSession: a session on a terminal, led by a process of ours that only waits, with a program in
// front. It is led so that the program can be stopped: the kernel stops no job whose parent is in another
// session, for nobody there would let it go on.
#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "base/descriptor.h"

namespace coffer {

class TerminalSession {
  public:
    // `spawn` is called in a fork of this process, which then stays as long as the program: it starts that in
    // a process group of its own and in front, and gives up or locks what is in memory. It returns an errno;
    // so does start().
    [[nodiscard]] static int start(const std::string& slave, const std::function<int(pid_t&)>& spawn,
                                   std::optional<TerminalSession>& session);
    ~TerminalSession();
    TerminalSession(TerminalSession&& other) noexcept;
    TerminalSession& operator=(TerminalSession&&) = delete;

    [[nodiscard]] pid_t program() const { return program_; }
    [[nodiscard]] int descriptor() const { return news_.get(); }  // can be read when there are news
    // The program's latest change, as waitpid(2) says; waits for one. Its end is the last.
    [[nodiscard]] int news();

  private:
    TerminalSession(pid_t leader, Descriptor news) : leader_(leader), news_(std::move(news)) {}
    pid_t leader_ = -1, program_ = -1;
    Descriptor news_;
};

}  // namespace coffer
