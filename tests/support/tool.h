// SPDX-License-Identifier: Apache-2.0
//
// The tool of this build, run by a test as an administrator runs it. What it says of errors goes to the
// test's own.
#pragma once

#include "support/client.h"

namespace coffer::test {

struct Said {
    int status = -1;   // its exit status; -1 when it did not end by itself in time
    std::string text;  // its output
};

inline Said run_program(const char* program, const std::vector<std::string>& words) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return {};
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        exec_program(program, words);
    }
    close(ends[1]);
    auto text = text_until_end(ends[0]);
    close(ends[0]);
    if (!text) kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    return {text && WIFEXITED(status) ? WEXITSTATUS(status) : -1, text.value_or("")};
}

// `words` from "coffer" on.
inline Said run_tool(const std::vector<std::string>& words) {
    return run_program(COFFER_PROGRAM, words);
}

}  // namespace coffer::test
