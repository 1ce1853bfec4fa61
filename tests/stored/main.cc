// SPDX-License-Identifier: Apache-2.0
//
// The main of the tests of coffer-stored, which need other users.
#define CATCH_CONFIG_RUNNER
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "keys/secret_buffer.h"
#include "support/catch.h"

int main(int argc, char** argv) {
    if (!coffer::initialise_crypto()) return 1;
    if (geteuid() != 0) {
        std::fprintf(stderr, "SKIPPED: these tests need root\n");
        return std::getenv("COFFER_TESTS_NO_SKIP") ? 1 : 77;
    }
    return Catch::Session().run(argc, argv);
}
