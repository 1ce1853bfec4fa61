// SPDX-License-Identifier: Apache-2.0
//
// Holder: keeps the mount alive while daemons come and go. It mounts, answers INIT, and gives /dev/fuse to
// one daemon at a time. While a daemon serves, the holder reads nothing. When one has died and no other has
// come within the grace period, the holder answers every request with ENOTCONN, so that nobody waits for
// ever; mount, bind mounts and open files survive that. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <vector>

#include "base/descriptor.h"
#include "base/result.h"
#include "hold/hand_over.h"

namespace coffer {

class Holder {
  public:
    struct Settings {
        std::filesystem::path mount;
        uid_t user = 0;  // whose daemon may serve, besides root's
        std::chrono::milliseconds grace{10000};
        bool without_resend = false;  // as on a kernel before 6.9; for tests
    };
    // Takes a mount of an earlier holder off first, without looking into it, and makes the directory where
    // there is none: a service manager that made it would look into that mount. Code::conflict when something
    // else is mounted there.
    [[nodiscard]] static Result<Holder> mount(const Settings& settings);

    // Hands over to whoever connects to `listener`, until `signals` (a signalfd) is readable; then unmounts.
    // Code::unavailable when somebody else has unmounted.
    [[nodiscard]] Result<void> run(int listener, int signals);

  private:
    explicit Holder(Settings settings) : settings_(std::move(settings)) {}
    [[nodiscard]] Result<void> mount_afresh();
    [[nodiscard]] Result<void> wait(int listener, int signals, bool& asked_to_end);
    void accept_daemon(int listener);
    [[nodiscard]] Result<void> hear_daemon();
    [[nodiscard]] Result<void> start_refusing();

    Settings settings_;
    Descriptor device_;
    HandOver record_;
    Descriptor daemon_;     // the connection to the one that serves
    bool drained_ = false;  // it has answered everything that it took
    bool refusing_ = false;
    std::optional<std::chrono::steady_clock::time_point> refuse_at_;  // while nobody serves
    std::vector<std::uint8_t> buffer_;
};

}  // namespace coffer
