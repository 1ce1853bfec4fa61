// SPDX-License-Identifier: Apache-2.0
//
// OpenCounts: how often each rule with max_opens has let each subject (a process, an invocation of a unit)
// open something. In memory: a daemon that starts begins anew. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace coffer {

class OpenCounts {
  public:
    [[nodiscard]] std::uint32_t count(std::string_view rule, std::string_view subject) const;
    // One more, unless there were `max` already. False too when a rule has kMaxSubjects living subjects: what
    // cannot be counted is not allowed.
    [[nodiscard]] bool take(std::string_view rule, std::string_view subject, std::uint32_t max);

    static constexpr std::size_t kMaxSubjects = 16384;  // of one rule: so no rule's callers harm another's

  private:
    struct OfRule {
        std::unordered_map<std::string, std::uint32_t> subjects;
        std::chrono::steady_clock::time_point swept;
    };
    static void forget_dead(OfRule& rule);

    mutable std::mutex mutex_;  // a leaf, but for a look at /proc once a second when a table is full
    std::map<std::string, OfRule, std::less<>> rules_;
};

}  // namespace coffer
