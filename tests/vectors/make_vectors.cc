// SPDX-License-Identifier: Apache-2.0
//
// make_vectors FOLDER: writes the vectors of logs, identities, watermarks and patterns, always the same
// bytes. make_payloads.py writes those of payloads.
#include <cstdio>
#include <exception>

#include "keys/secret_buffer.h"
#include "vectors/key_vectors.h"
#include "vectors/log_vectors.h"

int main(int argc, char** argv) {
    if (argc != 2 || !coffer::initialise_crypto()) {
        std::fputs("usage: make_vectors FOLDER\n", stderr);
        return 2;
    }
    try {
        coffer::test::write_log_vectors(argv[1]);
        coffer::test::write_key_vectors(argv[1]);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "make_vectors: %s\n", error.what());
        return 1;
    }
    return 0;
}
