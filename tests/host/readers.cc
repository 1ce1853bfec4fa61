// SPDX-License-Identifier: Apache-2.0
//
// Reads one secret without a pause until SIGTERM, then says what was seen.
//   readers COUNT FILE VALUE...
#include <signal.h>

#include <cstdio>
#include <cstdlib>

#include "support/readers.h"

using namespace coffer::test;

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    sigset_t end;
    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    sigprocmask(SIG_BLOCK, &end, nullptr);  // the children too: they end when they are told
    Readers readers(std::atoi(argv[1]), kAlice, argv[2], {argv + 3, argv + argc});
    int signal = 0;
    sigwait(&end, &signal);
    const int hung = readers.stop();
    const auto& seen = readers.counts();
    std::printf(
        "readers: %llu good, %llu failed, %llu wrong, %d hung; the longest read took %llu ms; errno %d\n",
        static_cast<unsigned long long>(seen.good), static_cast<unsigned long long>(seen.failed),
        static_cast<unsigned long long>(seen.wrong), hung,
        static_cast<unsigned long long>(seen.longest_ns / 1000000), seen.last_error.load());
    return seen.failed + seen.wrong + static_cast<unsigned>(hung) == 0 ? 0 : 1;
}
