// SPDX-License-Identifier: Apache-2.0
//
// Tally: how many cases of one kind were tried, and how many of them came out in which way; a line
// "FIGURE: tamper: KIND: N tried, N refused" at its end. It also says which cases run: more of them in
// the long form (COFFER_TEST_LONG=1), and of all one in COFFER_TEST_SHARE.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "support/long_form.h"

namespace coffer::test {

class Tally {
  public:
    // Of the cases on offer one in `quick` runs, in the long form one in `slow`.
    explicit Tally(std::string kind, std::uint64_t quick = 1, std::uint64_t slow = 1)
        : kind_(std::move(kind)), step_(number_from_environment("COFFER_TEST_SHARE", 1)) {
        step_ *= is_long() ? slow : quick;
        if (step_ == 0) step_ = 1;
    }
    ~Tally() {
        std::printf("FIGURE: tamper: %s: %llu tried", kind_.c_str(), number(tried_));
        for (const auto& [outcome, count] : outcomes_)
            std::printf(", %llu %s", number(count), outcome.c_str());
        std::printf("\n");
        std::fflush(stdout);
    }
    Tally(const Tally&) = delete;
    Tally& operator=(const Tally&) = delete;

    // Whether the next case is one that runs. The first always does.
    bool takes() { return offered_++ % step_ == 0; }
    void count(const std::string& outcome, std::uint64_t cases = 1) {
        tried_ += cases;
        outcomes_[outcome] += cases;
    }
    [[nodiscard]] std::uint64_t tried() const { return tried_; }
    // True for one tried case in so many: for what is too dear to look at after each.
    [[nodiscard]] bool each(std::uint64_t cases) const { return tried_ % cases == 0; }

  private:
    static unsigned long long number(std::uint64_t value) { return value; }
    std::string kind_;
    std::uint64_t step_, offered_ = 0, tried_ = 0;
    std::map<std::string, std::uint64_t> outcomes_;
};

}  // namespace coffer::test
