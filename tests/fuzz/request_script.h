// SPDX-License-Identifier: Apache-2.0
//
// RequestScript: the bytes of a fuzzer as values for requests, so that it comes to what is there: a character
// picks from a list, and "=" says that the bytes themselves follow. Seeds can be read and typed. When the
// bytes are at their end, everything is the first of its list.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace coffer::fuzz {

class RequestScript {
  public:
    explicit RequestScript(ByteView bytes) : left_(bytes) {}
    [[nodiscard]] bool is_empty() const { return left_.empty(); }

    char letter() {
        if (left_.empty()) return '\0';
        const char out = static_cast<char>(left_.front());
        left_ = left_.subspan(1);
        return out;
    }
    // By `first` the first of `count`, by the character after it the second, and so on.
    std::size_t choice(char first, std::size_t count) {
        const char picked = letter();
        return picked == '\0' ? 0
                              : static_cast<std::size_t>(static_cast<std::uint8_t>(picked - first)) % count;
    }
    // 0 to 9 as they are, and from there on what is at the edge of something.
    std::uint64_t number() {
        constexpr std::array<std::uint64_t, 40> kNumbers{0,
                                                         1,
                                                         2,
                                                         3,
                                                         4,
                                                         5,
                                                         6,
                                                         7,
                                                         8,
                                                         9,
                                                         16,
                                                         24,
                                                         40,
                                                         64,
                                                         100,
                                                         128,
                                                         4095,
                                                         4096,
                                                         16384,
                                                         19999,
                                                         20000,
                                                         20001,
                                                         65536,
                                                         131072,
                                                         1u << 20,
                                                         1u << 24,
                                                         0x7fffffff,
                                                         1u << 31,
                                                         0xffffffff,
                                                         1ull << 32,
                                                         (1ull << 62) - 1,
                                                         1ull << 62,
                                                         ~0ull >> 1,
                                                         1ull << 63,
                                                         ~0ull - 1,
                                                         ~0ull,
                                                         31,
                                                         36,
                                                         0x8000,
                                                         0x101000};
        if (!left_.empty() && left_.front() == '=') return raw(8);
        return kNumbers[choice('0', kNumbers.size())];
    }
    // The text up to a NUL, where "=" stands; else one of the list.
    std::string text(std::span<const std::string> list) {
        if (left_.empty() || left_.front() != '=') return list[choice('a', list.size())];
        const auto end = std::find(left_.begin(), left_.end(), std::uint8_t{0});
        std::string out(left_.begin() + 1, end);
        left_ = left_.subspan(std::min(out.size() + 2, left_.size()));
        return out;
    }

  private:
    std::uint64_t raw(std::size_t size) {
        letter();
        std::uint64_t out = 0;
        size = std::min(size, left_.size());
        std::memcpy(&out, left_.data(), size);
        left_ = left_.subspan(size);
        return out;
    }
    ByteView left_;
};

}  // namespace coffer::fuzz
