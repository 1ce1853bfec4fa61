// SPDX-License-Identifier: Apache-2.0
//
// Payloads. The first byte says what the rest is: a payload as found in a store; a value, which has to come
// back from sealing; or a value followed by where and how its payload is damaged, which must not open.
#include <algorithm>
#include <optional>

#include "keys/seal.h"
#include "require.h"

using namespace coffer;

namespace {

std::optional<ScopeKeyPair> pair;
Hash context;

void open_as_found(ByteView payload) {
    auto opened = unseal_payload(payload, pair->private_half.view(), pair->public_half, context);
    require(!opened, "nobody guesses a sealed box");
}

Bytes seal(ByteView value) {
    auto payload = seal_payload(pair->public_half, context, value);
    require(payload.has_value(), "a value of at most 1 MiB can be sealed");
    require(is_padded_size(payload->size() - kPayloadOverhead), "a payload shows a padded length only");
    return *std::move(payload);
}

void round_trip(ByteView value) {
    auto opened = unseal_payload(seal(value), pair->private_half.view(), pair->public_half, context);
    require(opened && std::ranges::equal(opened->view(), value), "what was sealed comes back");
}

void damage(ByteView input) {
    if (input.size() < 3) return;
    std::size_t at = input[0] | static_cast<std::size_t>(input[1]) << 8U;
    std::uint8_t flip = input[2];
    Bytes payload = seal(input.subspan(3));
    if (flip == 0)
        payload.resize(at % payload.size());
    else
        payload[at % payload.size()] ^= flip;
    open_as_found(payload);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    auto made = generate_scope_key();
    require(made.has_value(), "a scope key can be made");
    pair = *std::move(made);
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || size > kMaxPayload) return 0;
    ByteView rest(data + 1, size - 1);
    switch (data[0] % 3) {
        case 0:
            open_as_found(rest);
            break;
        case 1:
            round_trip(rest.first(std::min(rest.size(), kMaxValue)));
            break;
        default:
            damage(rest.first(std::min(rest.size(), kMaxValue)));
            break;
    }
    return 0;
}
