// SPDX-License-Identifier: Apache-2.0
#include "serve/invalidator.h"

#include <utility>

namespace coffer {

void Invalidator::start(Send send) {
    send_ = std::move(send);
    stopping_ = false;
    thread_ = std::thread([this] { run(); });
}

void Invalidator::order(Invalidation one) {
    {
        std::lock_guard lock(mutex_);
        orders_.push_back(std::move(one));
    }
    changed_.notify_one();
}

void Invalidator::stop() {
    {
        std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_one();
    if (thread_.joinable()) thread_.join();
}

void Invalidator::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopping_ || !orders_.empty(); });
        if (orders_.empty()) return;
        Invalidation one = std::move(orders_.front());
        orders_.pop_front();
        lock.unlock();
        send_(one);
        lock.lock();
    }
}

}  // namespace coffer
