// SPDX-License-Identifier: Apache-2.0
//
// What is typed on a command line or named by a file: numbers, moments, names to be mended, base64, and any
// text that a message repeats. Properties: what is accepted has one spelling or is written back as one that
// is accepted alike; a mended name is a name; and no message carries a control character to a terminal.
#include <algorithm>
#include <string>

#include "base/utf8.h"
#include "input/moment.h"
#include "input/number_option.h"
#include "keys/base64.h"
#include "names/name.h"
#include "require.h"
#include "transfer/import_names.h"

using namespace coffer;

namespace {

constexpr std::uint64_t kNow = 1'795'315'200'000;  // 2026-11-22

// RFC 3629, from its table.
bool is_plainly_utf8(std::string_view text) {
    const auto byte = [&](std::size_t at) {
        return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
    };
    const auto in = [&](std::size_t at, unsigned low, unsigned high) {
        return byte(at) >= low && byte(at) <= high;
    };
    const auto tail = [&](std::size_t at) { return in(at, 0x80, 0xbf); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = byte(i);
        if (lead < 0x80) {
            i += 1;
        } else if (lead >= 0xc2 && lead <= 0xdf && tail(i + 1)) {
            i += 2;
        } else if (lead >= 0xe0 && lead <= 0xef && tail(i + 2) &&
                   in(i + 1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf)) {
            i += 3;
        } else if (lead >= 0xf0 && lead <= 0xf4 && tail(i + 2) && tail(i + 3) &&
                   in(i + 1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf)) {
            i += 4;
        } else {
            return false;
        }
    }
    return true;
}

bool is_harmless(std::string_view message) {
    return std::ranges::none_of(message,
                                [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

void check_base64(ByteView bytes) {
    auto encoded = base64(bytes);
    require(encoded.has_value(), "all bytes can be encoded");
    Bytes text(encoded->view().begin(), encoded->view().end());
    auto decoded = decode_base64(text);
    require(decoded && std::ranges::equal(*decoded, bytes), "base64 comes back");
    Bytes given(bytes.begin(), bytes.end());
    auto value = decode_base64(given);
    if (!value) return;
    auto again = base64(*value);
    require(again.has_value(), "what was decoded can be encoded");
    // The padding may have been missing.
    const auto shorter = std::min(again->view().size(), bytes.size());
    require(std::ranges::equal(again->view().first(shorter), bytes.first(shorter)),
            "base64 has one spelling");
    require(std::ranges::all_of(again->view().subspan(shorter), [](std::uint8_t c) { return c == '='; }),
            "but for its padding");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    require(initialise_crypto(), "the random generator works");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (auto number = parse_number("--limit", text))
        require(std::to_string(*number) == text, "a number has one spelling");
    else
        require(is_harmless(number.error().message), "a message is harmless");
    if (auto moment = parse_expiry(text, kNow)) {
        require(*moment > kNow, "a time to come is to come");
        auto again = parse_expiry(moment_text(*moment), kNow - 1000);
        require(again && *again == *moment / 1000 * 1000, "a moment is written as one that is read");
    } else {
        require(is_harmless(moment.error().message), "a message is harmless");
    }
    require(is_harmless(printable(text)), "what is shown of a text is harmless");
    const std::string mended = valid_key(text);
    require(check_key(mended).has_value() || text.empty() || text.size() > 128, "a mended name is a name");
    if (check_key(text)) require(mended == text, "a good name needs no mending");
    require(is_utf8({data, size}) == is_plainly_utf8(text), "UTF-8 is what RFC 3629 says");
    check_base64({data, size});
    return 0;
}
