// SPDX-License-Identifier: Apache-2.0
//
// What the environment chooses of a harness: how much of it runs, and where chance begins. Thread-safe.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace coffer::test {

inline std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing sets it
    return text && *text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// COFFER_TEST_LONG=1, by scripts/test --long.
inline bool is_long() {
    return number_from_environment("COFFER_TEST_LONG", 0) != 0;
}
inline int by_form(int quick, int when_long) {
    return is_long() ? when_long : quick;
}

// Of everything that is chosen at random: COFFER_TEST_SEED, or another one for each run. Who uses it names it
// in an INFO.
inline std::uint64_t seed() {
    static const std::uint64_t kSeed = number_from_environment("COFFER_TEST_SEED", std::random_device{}());
    return kSeed;
}

}  // namespace coffer::test
