// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_RUNNER
#include "support/run_tests.h"

#include "keys/secret_buffer.h"
#include "support/catch.h"

namespace coffer::test {

int run_tests(int argc, char** argv) {
    if (!initialise_crypto()) return 1;
    return Catch::Session().run(argc, argv);
}

}  // namespace coffer::test
