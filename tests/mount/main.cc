// SPDX-License-Identifier: Apache-2.0
//
// The main of the tests that need a mount and other users.
#define CATCH_CONFIG_RUNNER
#include "keys/secret_buffer.h"
#include "support/catch.h"
#include "support/mount_needs.h"

int main(int argc, char** argv) {
    if (!coffer::initialise_crypto()) return 1;
    if (auto status = coffer::test::left_out()) return *status;
    return Catch::Session().run(argc, argv);
}
