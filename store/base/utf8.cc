// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

namespace coffer {
namespace {

// The bytes of the character that `text` begins with; 0 when it begins with none.
std::size_t character_size(ByteView text) {
    const unsigned first = text[0];
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((text[i] & 0xc0) != 0x80) return 0;
    }
    const unsigned second = text[1];
    const bool too_long = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool surrogate = first == 0xed && second >= 0xa0, too_large = first == 0xf4 && second >= 0x90;
    return too_long || surrogate || too_large ? 0 : size;
}

}  // namespace

bool is_utf8(ByteView text) {
    while (!text.empty()) {
        const std::size_t size = character_size(text);
        if (size == 0) return false;
        text = text.subspan(size);
    }
    return true;
}

}  // namespace coffer
