// SPDX-License-Identifier: Apache-2.0
//
// What a fuzzer asserts, in every build type: a false condition is a finding.
#pragma once

#include <cstdio>
#include <cstdlib>

inline void require(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}
