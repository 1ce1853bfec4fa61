// SPDX-License-Identifier: Apache-2.0
//
// Watchdog: tells the service manager, twice within its limit, that this process is well, and says nothing
// when it is not: then it is killed and started again. A thread of its own, for being well may take locks
// that somebody never gives back.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace coffer {

class Watchdog {
  public:
    // Nothing runs where no watchdog is asked for (base/supervisor.h).
    explicit Watchdog(std::function<bool()> is_well);
    ~Watchdog() { stop(); }
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    void stop();

  private:
    void run(std::chrono::microseconds interval);
    const std::function<bool()> is_well_;
    std::mutex mutex_;  // a leaf; guards stopping_
    bool stopping_ = false;
    std::condition_variable changed_;
    std::thread thread_;
};

}  // namespace coffer
