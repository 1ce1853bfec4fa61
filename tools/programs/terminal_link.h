// SPDX-License-Identifier: Apache-2.0
//
// TerminalLink: a terminal for a program, linked to the one that this process has. What is typed goes to the
// program's; the modes and the job control are those of the program's, so the outer one is raw meanwhile, as
// under script(1), and only while this process is in its foreground. Given back as it was.
#pragma once

#include <poll.h>
#include <termios.h>

#include <string>

#include "base/descriptor.h"
#include "redact/locked_vector.h"

namespace coffer {

class TerminalLink {
  public:
    // Made like the terminal of stdout: its modes, its size.
    [[nodiscard]] static Result<TerminalLink> make();
    ~TerminalLink();
    TerminalLink(TerminalLink&& other) noexcept;
    TerminalLink& operator=(TerminalLink&&) = delete;

    [[nodiscard]] const std::string& slave() const { return slave_; }
    [[nodiscard]] Result<Descriptor> output() const;  // another descriptor for what the program writes

    // Takes the outer terminal, if this process is in its foreground; does nothing where it has it already.
    void attach();
    void detach();
    [[nodiscard]] bool is_attached() const { return attached_; }
    void pass_size() const;
    [[nodiscard]] bool is_hung_up() const { return hung_up_; }  // the outer one
    void hang_up() { master_.reset(); }  // the program's, once nobody else has its output

    // What to wait for, in either direction of what is typed.
    [[nodiscard]] pollfd wanted() const;
    void ready(short events);

  private:
    TerminalLink() = default;
    Descriptor outer_, master_;
    std::string slave_;
    termios before_{};
    bool attached_ = false, hung_up_ = false;
    LockedVector<std::uint8_t> typed_;  // on its way; a passphrase, maybe
    std::size_t passed_ = 0;
};

}  // namespace coffer
