// SPDX-License-Identifier: Apache-2.0
//
// The wall clock, in the milliseconds since 1970 that the store's times are in.
#pragma once

#include <chrono>
#include <cstdint>

namespace coffer {

[[nodiscard]] inline std::uint64_t wall_clock_ms() {
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    return static_cast<std::uint64_t>(
        duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

// Of a version or a handle; 0: it never ends.
[[nodiscard]] inline bool is_past(std::uint64_t not_after_ms) {
    return not_after_ms != 0 && not_after_ms <= wall_clock_ms();
}

}  // namespace coffer
