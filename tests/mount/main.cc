// SPDX-License-Identifier: Apache-2.0
//
// The main of the tests that need a mount and other users.
#define CATCH_CONFIG_RUNNER
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "access/attest/attest.h"
#include "keys/secret_buffer.h"
#include "support/catch.h"

namespace {

const char* missing() {
    if (geteuid() != 0) return "root";
    if (access("/dev/fuse", R_OK | W_OK) != 0) return "/dev/fuse";
    const char* method = std::getenv("COFFER_TEST_ATTEST");
    if (method && std::string_view(method) == "pidfd" &&
        !coffer::Attestor::create(coffer::AttestMethod::pidfd))
        return "a kernel that has PIDFD_GET_INFO (6.13)";
    return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    if (!coffer::initialise_crypto()) return 1;
    if (const char* what = missing()) {
        std::fprintf(stderr, "SKIPPED: these tests need %s\n", what);
        return std::getenv("COFFER_TESTS_NO_SKIP") ? 1 : 77;
    }
    return Catch::Session().run(argc, argv);
}
