// SPDX-License-Identifier: Apache-2.0
//
// Bytes that are not secret: fixed-size ids and hashes as distinct types, a little-endian writer and a
// reader that refuses to run past its end. Secrets live in keys/secret_buffer.h.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace coffer {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower-case hexadecimal; parsing refuses upper case, so that every value has one spelling.
[[nodiscard]] std::string to_hex(ByteView bytes);
[[nodiscard]] bool from_hex(std::string_view text,
                            std::span<std::uint8_t> out);  // false: wrong length or digit

// N bytes with a meaning; two tags never mix.
template <class Tag, std::size_t N>
struct FixedBytes {
    static constexpr std::size_t kSize = N;
    std::array<std::uint8_t, N> bytes{};

    [[nodiscard]] static Result<FixedBytes> parse(std::string_view hex) {
        FixedBytes value;
        if (!from_hex(hex, value.bytes))
            return fail(Code::invalid, "expected ", 2 * N, " lower-case hexadecimal digits, found \"", hex,
                        "\"");
        return value;
    }
    [[nodiscard]] static FixedBytes from(std::span<const std::uint8_t, N> source) {
        FixedBytes value;
        std::memcpy(value.bytes.data(), source.data(), N);
        return value;
    }
    [[nodiscard]] ByteView view() const { return bytes; }
    [[nodiscard]] std::string hex() const { return to_hex(bytes); }
    [[nodiscard]] bool is_zero() const { return *this == FixedBytes{}; }
    // NOLINTNEXTLINE(modernize-use-nullptr): the generated comparison with 0 is no pointer (clang-tidy 14)
    auto operator<=>(const FixedBytes&) const = default;
};

using StoreId = FixedBytes<struct StoreIdTag, 16>;
using Hash = FixedBytes<struct HashTag, 32>;
using PrincipalId = FixedBytes<struct PrincipalIdTag, 16>;
using ScopeKeyId = FixedBytes<struct ScopeKeyIdTag, 16>;
using SigningPublic = FixedBytes<struct SigningPublicTag, 32>;    // Ed25519
using SealingPublic = FixedBytes<struct SealingPublicTag, 32>;    // X25519
using Signature = FixedBytes<struct SignatureTag, 64>;            // Ed25519
using SealedScopeKey = FixedBytes<struct SealedScopeKeyTag, 80>;  // crypto_box_seal of 32 bytes

// For ids and hashes, which are uniform already: their first bytes are the hash.
struct FixedBytesHash {
    template <class Tag, std::size_t N>
    std::size_t operator()(const FixedBytes<Tag, N>& value) const {
        std::size_t out;
        static_assert(N >= sizeof out);
        std::memcpy(&out, value.bytes.data(), sizeof out);
        return out;
    }
};

// Appends little-endian integers, fixed bytes and length-prefixed strings. Never fails.
class ByteWriter {
  public:
    void u8(std::uint8_t value) { out_.push_back(value); }
    void u16(std::uint16_t value) { integer(value); }
    void u32(std::uint32_t value) { integer(value); }
    void u64(std::uint64_t value) { integer(value); }
    void raw(ByteView bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
    void lp(ByteView bytes) {
        u32(static_cast<std::uint32_t>(bytes.size()));
        raw(bytes);
    }
    void lp(std::string_view text) { lp(as_bytes(text)); }
    template <class Tag, std::size_t N>
    void fixed(const FixedBytes<Tag, N>& value) {
        raw(value.bytes);
    }
    [[nodiscard]] const Bytes& bytes() const { return out_; }
    [[nodiscard]] Bytes take() { return std::move(out_); }

  private:
    template <class T>
    void integer(T value) {
        for (std::size_t i = 0; i < sizeof value; ++i)
            out_.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
    Bytes out_;
};

// Reads what ByteWriter wrote. The first short read makes the reader bad for good and every later value
// zero or empty, so that a parser may read a whole record and ask ok() once.
class ByteReader {
  public:
    explicit ByteReader(ByteView bytes) : rest_(bytes) {}
    [[nodiscard]] std::uint8_t u8() { return integer<std::uint8_t>(); }
    [[nodiscard]] std::uint16_t u16() { return integer<std::uint16_t>(); }
    [[nodiscard]] std::uint32_t u32() { return integer<std::uint32_t>(); }
    [[nodiscard]] std::uint64_t u64() { return integer<std::uint64_t>(); }
    [[nodiscard]] ByteView raw(std::size_t size) {
        if (!ok_ || size > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        ByteView out = rest_.first(size);
        rest_ = rest_.subspan(size);
        return out;
    }
    [[nodiscard]] ByteView lp() { return raw(u32()); }
    [[nodiscard]] std::string lp_text() { return std::string(as_text(lp())); }
    template <class Fixed>
    [[nodiscard]] Fixed fixed() {
        Fixed value;
        ByteView source = raw(Fixed::kSize);
        if (source.size() == Fixed::kSize) std::memcpy(value.bytes.data(), source.data(), Fixed::kSize);
        return value;
    }
    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }
    [[nodiscard]] std::size_t left() const { return rest_.size(); }

  private:
    template <class T>
    T integer() {
        ByteView source = raw(sizeof(T));
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < source.size(); ++i)
            value |= static_cast<std::uint64_t>(source[i]) << (8 * i);
        return static_cast<T>(value);
    }
    ByteView rest_;
    bool ok_ = true;
};

}  // namespace coffer
