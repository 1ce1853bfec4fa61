// SPDX-License-Identifier: Apache-2.0
//
// Identity files. Property: what is accepted without a passphrase is byte for byte what would be written.
// No passphrase is given, so that no input makes the fuzzer spend seconds in Argon2id.
#include <algorithm>

#include "keys/identity_file.h"
#include "require.h"

using namespace coffer;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView text(data, size);
    auto no_passphrase = []() -> Result<SecretBuffer> { return fail(Code::not_allowed, "no passphrase"); };
    auto identity = decode_identity(text, no_passphrase);
    if (!identity) return 0;
    auto written = encode_identity(*identity);
    require(written && std::ranges::equal(written->view(), text), "an identity has one spelling");
    return 0;
}
