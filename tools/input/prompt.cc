// SPDX-License-Identifier: Apache-2.0
#include "input/prompt.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/descriptor.h"

namespace coffer {
namespace {

// Holds back the signals that end or stop a program, and tells of them through a descriptor, so that echo is
// never left off. The destructor lets them through; no handler and no global are needed.
class HeldSignals {
  public:
    HeldSignals() {
        sigemptyset(&held_);
        for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) sigaddset(&held_, signal);
        pthread_sigmask(SIG_BLOCK, &held_, &before_);
        fd_ = Descriptor(signalfd(-1, &held_, SFD_CLOEXEC));
    }
    ~HeldSignals() {
        pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        if (seen_ != 0) raise(seen_);
    }
    HeldSignals(const HeldSignals&) = delete;
    HeldSignals& operator=(const HeldSignals&) = delete;

    [[nodiscard]] int fd() const { return fd_.get(); }
    void take() {
        signalfd_siginfo info;
        if (read(fd_.get(), &info, sizeof info) == sizeof info) seen_ = static_cast<int>(info.ssi_signo);
    }

  private:
    sigset_t held_, before_;
    Descriptor fd_;
    int seen_ = 0;
};

class EchoOff {
  public:
    explicit EchoOff(int tty) : tty_(tty) {
        if (tcgetattr(tty_, &before_) != 0) return;
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        // Flushes what was typed ahead: it was echoed, and may be meant for somebody else.
        off_ = tcsetattr(tty_, TCSAFLUSH, &quiet) == 0;
    }
    ~EchoOff() {
        if (off_) tcsetattr(tty_, TCSAFLUSH, &before_);
    }
    EchoOff(const EchoOff&) = delete;
    EchoOff& operator=(const EchoOff&) = delete;
    [[nodiscard]] bool off() const { return off_; }

  private:
    int tty_;
    termios before_{};
    bool off_ = false;
};

void say(int tty, std::string_view text) {
    while (!text.empty()) {
        ssize_t count = write(tty, text.data(), text.size());
        if (count < 0 && errno != EINTR) return;
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
}

// Reads up to the end of the line.
Result<SecretBuffer> read_line(int tty, HeldSignals& signals) {
    COFFER_TRY(auto line, SecretBuffer::allocate(kMaxPrompted + 1));
    std::size_t size = 0;
    while (true) {
        std::array<pollfd, 2> ready{pollfd{tty, POLLIN, 0}, pollfd{signals.fd(), POLLIN, 0}};
        if (poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR)
            return fail(Code::failed, "waiting for the terminal: ", errno_text());
        if (ready[1].revents != 0) {
            signals.take();
            return fail(Code::failed, "interrupted; nothing was changed");
        }
        if (ready[0].revents == 0) continue;
        std::uint8_t byte = 0;
        ssize_t count = read(tty, &byte, 1);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail(Code::failed, "the terminal was closed; nothing was changed");
        if (byte == '\n') break;
        if (size == kMaxPrompted) return fail(Code::invalid, "at most ", kMaxPrompted, " bytes can be typed");
        line.writable()[size++] = byte;
        byte = 0;
    }
    line.shrink(size);
    return line;
}

Descriptor open_terminal() {
    return Descriptor(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
}

Result<SecretBuffer> ask(std::string_view question) {
    Descriptor tty = open_terminal();
    if (!tty) return fail(Code::invalid, "this asks for confirmation and there is no terminal; give --yes");
    HeldSignals signals;
    say(tty.get(), question);
    return read_line(tty.get(), signals);
}

Failure not_confirmed() {
    return fail(Code::failed, "not confirmed; nothing was changed");
}

}  // namespace

Result<SecretBuffer> prompt_secret(std::string_view question, std::string_view instead) {
    Descriptor tty = open_terminal();
    if (!tty) return fail(Code::invalid, "no terminal to ask for ", question, "; ", instead);
    HeldSignals signals;
    EchoOff echo(tty.get());
    if (!echo.off()) return fail(Code::failed, "cannot turn the terminal's echo off; ", instead);
    say(tty.get(), concat(question, ": "));
    auto line = read_line(tty.get(), signals);
    say(tty.get(), "\n");
    return line;
}

Result<SecretBuffer> prompt_new_passphrase(std::string_view what) {
    constexpr std::string_view kInstead =
        "use --passphrase-file FILE, or --no-passphrase for an identity in the clear";
    COFFER_TRY(auto first, prompt_secret(concat("a new passphrase for ", what), kInstead));
    if (first.empty())
        return fail(Code::invalid, "an empty passphrase protects nothing; type one, or use --no-passphrase");
    COFFER_TRY(auto second, prompt_secret("the same passphrase again", kInstead));
    if (!first.equals(second.view()))
        return fail(Code::invalid, "the two passphrases differ; nothing was changed");
    return first;
}

Result<void> confirm(std::string_view question, bool yes) {
    if (yes) return {};
    COFFER_TRY(auto answer, ask(concat(question, " [y/N] ")));
    if (answer.equals(as_bytes("y")) || answer.equals(as_bytes("yes"))) return {};
    return not_confirmed();
}

Result<void> confirm_by_name(std::string_view what_happens, std::string_view name, bool yes) {
    if (yes) return {};
    COFFER_TRY(auto answer, ask(concat(what_happens, " Type ", name, " to go on: ")));
    if (answer.equals(as_bytes(name))) return {};
    return not_confirmed();
}

}  // namespace coffer
