// SPDX-License-Identifier: Apache-2.0
//
// Commits. The envelope is what anybody may write; the body is only parsed after its signature held, and is
// fuzzed all the same, since a rostered writer may be hostile. Property: there is one spelling of every body.
#include <algorithm>

#include "keys/secret_buffer.h"
#include "log/commit.h"
#include "require.h"

using namespace coffer;

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteView input(data, size);
    if (auto envelope = parse_envelope(input)) {
        require(envelope->whole.data() == data && envelope->whole.size() == size,
                "the envelope is all of it");
        static_cast<void>(signature_holds(*envelope));  // looked at by everybody, before anything else
        if (auto body = decode_body(envelope->body))
            require(std::ranges::equal(encode_body(*body), envelope->body), "a body has one spelling");
    }
    if (auto body = decode_body(input)) {
        require(std::ranges::equal(encode_body(*body), input), "a body has one spelling");
        require(!body->operations.empty() && body->operations.size() <= kMaxOperations,
                "1 to 1,000 operations");
    }
    return 0;
}
