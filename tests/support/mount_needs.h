// SPDX-License-Identifier: Apache-2.0
//
// What a machine has to have for the tests that mount, and the exit status when it does not.
#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "access/attest/attest.h"

namespace coffer::test {

// Null: everything is there.
inline const char* missing_for_mounts() {
    if (geteuid() != 0) return "root";
    if (access("/dev/fuse", R_OK | W_OK) != 0) return "/dev/fuse";
    const char* method = std::getenv("COFFER_TEST_ATTEST");  // NOLINT(concurrency-mt-unsafe)
    if (method && std::string_view(method) == "pidfd" && !Attestor::create(AttestMethod::pidfd))
        return "a kernel that has PIDFD_GET_INFO (6.13)";
    return nullptr;
}

// The exit status of a main that has to leave its tests out; nothing when it can run them.
inline std::optional<int> left_out() {
    const char* what = missing_for_mounts();
    if (!what) return std::nullopt;
    std::fprintf(stderr, "SKIPPED: these tests need %s\n", what);
    return std::getenv("COFFER_TESTS_NO_SKIP") ? 1 : 77;  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace coffer::test
