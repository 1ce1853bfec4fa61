// SPDX-License-Identifier: Apache-2.0
#include "keys/base64.h"

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

// The value of a digit, 64 for what is none; by arithmetic as well.
unsigned value_of(unsigned c) {
    const unsigned upper = (c - 'A') < 26, lower = (c - 'a') < 26, number = (c - '0') < 10;
    const unsigned plus = c == '+', slash = c == '/';
    return upper * (c - 'A') + lower * (c - 'a' + 26) + number * (c - '0' + 52) + plus * 62 + slash * 63 +
           (1 - (upper | lower | number | plus | slash)) * 64;
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

std::optional<ByteView> decode_base64(std::span<std::uint8_t> text) {
    const auto whole = text;
    if (text.size() % 4 == 0) {
        for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text = text.first(text.size() - 1);
    }
    if (text.size() % 4 == 1) return std::nullopt;
    std::size_t size = 0;
    unsigned bits = 0, held = 0, wrong = 0;
    for (std::uint8_t c : text) {
        const unsigned value = value_of(c);
        wrong |= value & 64;
        held = held << 6 | (value & 63);
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        whole[size++] = static_cast<std::uint8_t>(held >> bits & 255);
    }
    wrong |= held & ((1u << bits) - 1);
    if (wrong != 0) return std::nullopt;
    return ByteView(whole.first(size));
}

}  // namespace coffer
