// SPDX-License-Identifier: Apache-2.0
//
// Status: what the daemon tells its administrators about itself: counters, and what is wrong at the moment.
// Never a byte of a secret, never a length, no names beyond those in alarms. Thread-safe.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace coffer {

class Status {
  public:
    enum class Count : std::uint8_t { lookups, opens, reads, refusals, errors, commits, policy_loads };
    static constexpr std::size_t kCounts = 7;

    void count(Count what) {
        counts_[static_cast<std::size_t>(what)].fetch_add(1, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value(Count what) const {
        return counts_[static_cast<std::size_t>(what)].load(std::memory_order_relaxed);
    }

    // A thing that is wrong until it is cleared, by the part that says it: "store", "policy", "audit",
    // "payload acme/checkout/*/KEY". True when it was not wrong in just this way before.
    bool raise(std::string_view part, std::string_view problem);
    bool clear(std::string_view part);
    [[nodiscard]] std::map<std::string, std::string, std::less<>> problems() const;

  private:
    std::array<std::atomic<std::uint64_t>, kCounts> counts_{};
    mutable std::mutex mutex_;                                  // a leaf; guards problems_
    std::map<std::string, std::string, std::less<>> problems_;  // at most kMaxProblems
    static constexpr std::size_t kMaxProblems = 256;
};

}  // namespace coffer
