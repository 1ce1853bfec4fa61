// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_RUNNER
#include "support/catch.h"

#include "keys/secret_buffer.h"

int main(int argc, char** argv) {
    if (!coffer::initialise_crypto()) return 1;
    return Catch::Session().run(argc, argv);
}
