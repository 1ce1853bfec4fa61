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

}  // namespace coffer
