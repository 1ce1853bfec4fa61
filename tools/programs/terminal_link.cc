// SPDX-License-Identifier: Apache-2.0
#include "programs/terminal_link.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <array>
#include <cstdlib>

namespace coffer {
namespace {

Failure failed(std::string_view what) {
    return fail(Code::failed, "a terminal for the program: ", what, ": ", errno_text());
}

}  // namespace

Result<TerminalLink> TerminalLink::make() {
    TerminalLink link;
    // Without one nothing is typed, and stdout is a terminal of somebody else's.
    link.outer_ = Descriptor(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    link.master_ = Descriptor(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!link.master_) return failed("posix_openpt");
    const int master = link.master_.get();
    std::array<char, 64> name{};
    if (::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
        ::ptsname_r(master, name.data(), name.size()) != 0)
        return failed("grantpt");
    link.slave_ = name.data();
    termios modes{};
    if (::tcgetattr(STDOUT_FILENO, &modes) == 0) (void)::tcsetattr(master, TCSANOW, &modes);
    if (::fcntl(master, F_SETFL, O_NONBLOCK) != 0) return failed("fcntl");
    link.pass_size();
    return link;
}

TerminalLink::TerminalLink(TerminalLink&& other) noexcept
    : outer_(std::move(other.outer_)),
      master_(std::move(other.master_)),
      slave_(std::move(other.slave_)),
      before_(other.before_),
      attached_(std::exchange(other.attached_, false)),
      hung_up_(other.hung_up_),
      typed_(std::move(other.typed_)),
      passed_(other.passed_) {}

TerminalLink::~TerminalLink() {
    detach();
}

Result<Descriptor> TerminalLink::output() const {
    Descriptor out(::fcntl(master_.get(), F_DUPFD_CLOEXEC, 0));
    if (!out) return failed("fcntl");
    return out;
}

// In the background the settings belong to whoever is in front, and reading would stop this process.
void TerminalLink::attach() {
    if (attached_ || !outer_ || ::tcgetpgrp(outer_.get()) != ::getpgrp()) return;
    if (::tcgetattr(outer_.get(), &before_) != 0) return;
    termios raw = before_;
    ::cfmakeraw(&raw);
    attached_ = ::tcsetattr(outer_.get(), TCSADRAIN, &raw) == 0;
}

void TerminalLink::detach() {
    if (attached_ && ::tcgetpgrp(outer_.get()) == ::getpgrp())
        (void)::tcsetattr(outer_.get(), TCSADRAIN, &before_);
    attached_ = false;
}

// The kernel tells the programs on the other side by SIGWINCH.
void TerminalLink::pass_size() const {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) (void)::ioctl(master_.get(), TIOCSWINSZ, &size);
}

pollfd TerminalLink::wanted() const {
    if (passed_ < typed_.size()) return {master_.get(), POLLOUT, 0};
    return {attached_ && !hung_up_ ? outer_.get() : -1, POLLIN, 0};
}

void TerminalLink::ready(short events) {
    if (events == 0) return;
    if (passed_ < typed_.size()) {
        const ssize_t count = ::write(master_.get(), typed_.data() + passed_, typed_.size() - passed_);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        passed_ = count < 0 ? typed_.size() : passed_ + static_cast<std::size_t>(count);
        return;
    }
    typed_.resize(4096);
    passed_ = 0;
    const ssize_t size = ::read(outer_.get(), typed_.data(), typed_.size());
    typed_.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) hung_up_ = true;
}

}  // namespace coffer
