// SPDX-License-Identifier: Apache-2.0
#include "watch/stop_signal.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <array>

namespace coffer {

Result<StopSignal> StopSignal::create() {
    sigset_t wanted;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGTERM);
    sigaddset(&wanted, SIGINT);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    if (sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0)
        return fail(Code::failed, "sigprocmask: ", errno_text());
    Descriptor signals(signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals) return fail(Code::failed, "signalfd: ", errno_text());
    return StopSignal(std::move(signals));
}

bool StopSignal::came() {
    return wait(std::chrono::milliseconds(0));
}

// The signal is left where it is: once it came, it has come.
bool StopSignal::wait(std::chrono::milliseconds time, int other) {
    std::array<pollfd, 2> wanted{{{signals_.get(), POLLIN, 0}, {other, POLLIN, 0}}};
    while (::poll(wanted.data(), wanted.size(), static_cast<int>(time.count())) < 0 && errno == EINTR) {
    }
    return wanted[0].revents != 0;
}

}  // namespace coffer
