// SPDX-License-Identifier: Apache-2.0
//
// OutputChannel: what comes from one descriptor goes through a Redactor to another one, at whatever pace the
// two have. Whoever owns it polls: it never waits, as far as the other end can be asked whether it takes
// more.
#pragma once

#include <poll.h>

#include <chrono>
#include <optional>

#include "base/descriptor.h"
#include "redact/redactor.h"

namespace coffer {

class OutputChannel {
  public:
    using Clock = std::chrono::steady_clock;
    // What is held back since it may still become a secret is given out after such a pause. Of so many bytes
    // and more it is hardly by chance that they begin one: then after a long one.
    static constexpr std::chrono::milliseconds kPause{50}, kLongPause{1000};
    static constexpr std::size_t kHardlyChance = 8;
    enum class Writing { waits, never_waits };

    OutputChannel(Descriptor from, int to, const Redactor& redactor, Writing writing);

    [[nodiscard]] bool is_open() const { return static_cast<bool>(from_); }
    [[nodiscard]] bool is_done() const { return !from_ && !is_pending(); }
    [[nodiscard]] bool is_pending() const { return written_ < pending_.size(); }
    // What to wait for; descriptor -1 for nothing.
    [[nodiscard]] pollfd wanted() const;
    // When to call tick(), if nothing else happens.
    [[nodiscard]] std::optional<Clock::time_point> deadline() const;
    void ready(short events);
    void tick(Clock::time_point now);
    // Gives out what is held back, for nothing more is waited for.
    void flush();
    void close() { from_.reset(); }  // nothing more is read
    void lock_again() const;         // in a forked process
    // Why reading or writing failed, once it has; the source is closed then.
    [[nodiscard]] int read_error() const { return read_error_; }
    [[nodiscard]] int write_error() const { return write_error_; }

  private:
    void take();
    void give();

    Descriptor from_;
    int to_;
    std::size_t most_;  // bytes for one write
    Redactor::Stream stream_;
    LockedVector<std::uint8_t> room_, pending_;
    std::size_t written_ = 0;  // of pending_
    Clock::time_point fed_;
    int read_error_ = 0, write_error_ = 0;
};

// The time until the earliest of two deadlines, for poll(2): -1 for none.
[[nodiscard]] int poll_timeout(const std::vector<OutputChannel>& channels);

}  // namespace coffer
