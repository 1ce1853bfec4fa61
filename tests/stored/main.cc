// SPDX-License-Identifier: Apache-2.0
//
// The main of the tests of coffer-stored, which need other users.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "support/run_tests.h"

int main(int argc, char** argv) {
    if (geteuid() != 0) {
        std::fprintf(stderr, "SKIPPED: these tests need root\n");
        return std::getenv("COFFER_TESTS_NO_SKIP") ? 1 : 77;
    }
    return coffer::test::run_tests(argc, argv);
}
