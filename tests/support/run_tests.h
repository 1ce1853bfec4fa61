// SPDX-License-Identifier: Apache-2.0
//
// Catch2's own half of a main. It takes half a minute to compile, so that all programs of tests share it.
#pragma once

namespace coffer::test {

// Runs the tests that the command line names and returns the exit status; 1 also without a working libsodium.
int run_tests(int argc, char** argv);

}  // namespace coffer::test
