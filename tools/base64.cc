// SPDX-License-Identifier: Apache-2.0
#include "base64.h"

namespace coffer {
namespace {

// By arithmetic and not by a table: a look-up would leave the secret's bits in the cache's state.
std::uint8_t digit(unsigned value) {
    unsigned c = 'A' + value;
    c += (value >= 26) * unsigned{'a' - 'A' - 26};
    c -= (value >= 52) * unsigned{'a' + 26 - '0'};
    c -= (value >= 62) * unsigned{'0' + 10 - '+'};
    c += (value >= 63) * unsigned{'/' - '+' - 1};
    return static_cast<std::uint8_t>(c);
}

}  // namespace

Result<SecretBuffer> base64(ByteView bytes) {
    COFFER_TRY(auto text, SecretBuffer::allocate((bytes.size() + 2) / 3 * 4));
    auto out = text.writable().begin();
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::size_t left = bytes.size() - i;
        unsigned group = unsigned{bytes[i]} << 16;
        if (left > 1) group |= unsigned{bytes[i + 1]} << 8;
        if (left > 2) group |= bytes[i + 2];
        *out++ = digit(group >> 18);
        *out++ = digit(group >> 12 & 63);
        *out++ = left > 1 ? digit(group >> 6 & 63) : std::uint8_t{'='};
        *out++ = left > 2 ? digit(group & 63) : std::uint8_t{'='};
    }
    return text;
}

}  // namespace coffer
