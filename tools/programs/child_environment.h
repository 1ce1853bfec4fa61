// SPDX-License-Identifier: Apache-2.0
//
// ChildEnvironment: the environment of a program that is about to start, with secrets in it: they stay in
// locked memory until the kernel has copied them for the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keys/secret_buffer.h"

namespace coffer {

class ChildEnvironment {
  public:
    enum class Start { inherited, empty };
    explicit ChildEnvironment(Start start) : start_(start) {}

    // Code::invalid for a name that no variable can have, a name that was added before, a value with a byte
    // of zero, and one that is too long for the kernel. `key` names the value in messages.
    [[nodiscard]] Result<void> add(std::string_view name, ByteView value, std::string_view key);
    // For execve(2), a null pointer at the end. Valid until forget().
    [[nodiscard]] std::vector<char*> pointers();
    void forget();

  private:
    struct Variable {
        std::string name;
        std::size_t start;  // of its text
    };
    [[nodiscard]] Result<void> make_room(std::size_t size);
    Start start_;
    std::vector<Variable> variables_;
    SecretBuffer
        texts_;  // of each "NAME=value" and a zero: one buffer, since each costs a dozen system calls
    std::size_t used_ = 0;
};

// Of a KEY, which may have dots and dashes, a name that shells know.
[[nodiscard]] std::string variable_name(std::string_view key);
// Whether a variable of this name changes which code a program runs: the loader's, a shell's, an
// interpreter's. Whoever may set a secret in a scope is not thereby trusted to choose that.
[[nodiscard]] bool steers_programs(std::string_view name);

}  // namespace coffer
