// SPDX-License-Identifier: Apache-2.0
#include "serve/watchdog.h"

#include <spdlog/spdlog.h>

#include "base/supervisor.h"

namespace coffer {

Watchdog::Watchdog(std::function<bool()> is_well) : is_well_(std::move(is_well)) {
    if (auto limit = watchdog_limit()) thread_ = std::thread([this, limit] { run(*limit / 2); });
}

void Watchdog::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void Watchdog::run(std::chrono::microseconds interval) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, interval, [this] { return stopping_; })) {
        lock.unlock();
        if (is_well_())
            (void)notify_supervisor("WATCHDOG=1");
        else
            spdlog::error("watchdog: a request has not been answered for {} ms",
                          std::chrono::duration_cast<std::chrono::milliseconds>(interval).count());
        lock.lock();
    }
}

}  // namespace coffer
