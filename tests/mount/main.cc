// SPDX-License-Identifier: Apache-2.0
//
// The main of the tests that need a mount and other users.
#include "support/mount_needs.h"
#include "support/run_tests.h"

int main(int argc, char** argv) {
    if (auto status = coffer::test::left_out()) return *status;
    return coffer::test::run_tests(argc, argv);
}
