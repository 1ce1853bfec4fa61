// SPDX-License-Identifier: Apache-2.0
//
// RelayedProgram: runs a program in this process's place, as far as that can be seen from either side:
// signals and its end pass through, stdin is its own, a terminal stays a terminal, it can be stopped and goes
// on. What it writes to stdout and stderr may be redacted on the way.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "redact/redactor.h"

namespace coffer {

struct RelayedCall {
    const std::vector<std::string>& words;  // the first is looked for on $PATH
    const std::vector<char*>& environment;  // for execve(2)
    const Redactor* redactor = nullptr;     // none: its output is not touched
};

// How it ended, as waitpid(2) says. Code::not_found when there is no such program, Code::not_allowed when it
// may not be run. `started` is called once it runs, or could not be, in each process of ours that has what
// this one had; the environment is not looked at any more then.
[[nodiscard]] Result<int> run_relayed(const RelayedCall& call, const std::function<void()>& started = {});

// This process becomes the program; returns only when that cannot be.
[[nodiscard]] Failure become_program(const RelayedCall& call);

// The exit status that tells the same. A program that was killed by a signal: ends this process by it too,
// for only that tells a shell that Ctrl-C was meant for it as well.
[[nodiscard]] int end_like(int wait_status);

}  // namespace coffer
