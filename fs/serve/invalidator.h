// SPDX-License-Identifier: Apache-2.0
//
// Invalidator: tells the kernel what to forget, on a thread of its own, since the kernel may wait for locks
// that are held until some worker has replied. Orders are taken from any thread and never block it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace coffer {

struct Invalidation {
    std::uint64_t node = 0;  // the directory of `name`, or the file whose pages go
    std::string name;        // empty: the pages of `node`
};

class Invalidator {
  public:
    using Send = std::function<void(const Invalidation&)>;
    Invalidator() = default;
    ~Invalidator() { stop(); }
    Invalidator(const Invalidator&) = delete;
    Invalidator& operator=(const Invalidator&) = delete;

    void start(Send send);
    void order(Invalidation one);
    void stop();  // after what is ordered has been sent

  private:
    void run();
    Send send_;
    std::mutex mutex_;  // a leaf; guards the two below
    std::deque<Invalidation> orders_;
    bool stopping_ = false;
    std::condition_variable changed_;
    std::thread thread_;
};

}  // namespace coffer
