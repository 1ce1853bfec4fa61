// SPDX-License-Identifier: Apache-2.0
//
// ChildProgram: another program that a command runs, without a shell. It starts with the signals and the
// environment that this process was started with, and with no descriptor of its own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "keys/secret_buffer.h"

namespace coffer {

struct ProgramCall {
    std::vector<std::string> words;      // the first is looked for on $PATH
    std::vector<std::string> variables;  // "NAME=value", beside the environment
};

class ChildProgram {
  public:
    // Reads nothing; what it writes goes to stderr, since stdout is the command's. Code::not_found when there
    // is no such program.
    [[nodiscard]] static Result<ChildProgram> start(const ProgramCall& call);
    ~ChildProgram();
    ChildProgram(ChildProgram&& other) noexcept;
    ChildProgram& operator=(ChildProgram&&) = delete;

    [[nodiscard]] int descriptor() const { return pidfd_.get(); }  // can be read once it has ended
    void stop() const;                                             // SIGTERM
    [[nodiscard]] bool ends_within(std::chrono::milliseconds time) const;
    // Waits for its end. "status 3", "signal 9"; empty for status 0.
    [[nodiscard]] std::string end();

  private:
    friend Result<SecretBuffer> filter_through(const ProgramCall& call, ByteView input, std::size_t limit);
    ChildProgram(pid_t pid, Descriptor pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
    [[nodiscard]] static Result<ChildProgram> start(const ProgramCall& call, int input, int output);
    pid_t pid_ = -1;
    Descriptor pidfd_;
};

// What the program writes, at most `limit` bytes, when it is given `input`; both by pipes and locked memory,
// so that neither is ever in a file. Code::failed when it ends with another status than 0.
[[nodiscard]] Result<SecretBuffer> filter_through(const ProgramCall& call, ByteView input, std::size_t limit);

}  // namespace coffer
