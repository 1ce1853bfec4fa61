// SPDX-License-Identifier: Apache-2.0
//
// The one error type. A function that can fail returns Result<T>; nothing of ours throws.
// A Code is a decision for the caller (retry, give up, ask somebody); the message is for a person:
// what was wanted, what was found, what to do. No message ever holds a byte of a secret.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace coffer {

enum class Code : std::uint8_t {
    invalid,      // the input is malformed: say it differently
    not_found,    // no such secret, principal, scope or file
    not_allowed,  // the signer, caller or role may not do this
    conflict,     // somebody else changed it first
    tampered,     // signature, hash chain, payload or watermark does not hold
    unavailable,  // the store cannot be opened, read or written now
    no_key,       // this identity holds no scope key for it
    expired,      // past its not_after
    revoked,      // it was removed, purged or forbidden while in use
    limit,        // a configured bound was reached
    read_only,    // this would write to a tree that is read-only
    failed,       // anything else: the operating system said no
};

inline constexpr Code kAllCodes[] = {Code::invalid,  Code::not_found,   Code::not_allowed, Code::conflict,
                                     Code::tampered, Code::unavailable, Code::no_key,      Code::expired,
                                     Code::revoked,  Code::limit,       Code::read_only,   Code::failed};

struct Error {
    Code code = Code::failed;
    std::string message;
    // For a refused commit, payload or file: the name of the rule that it breaks, as docs/store-format.md
    // lists it ("put.stale-generation"). Always a string literal; empty elsewhere.
    std::string_view rule = {};
};

template <class T = void>
using Result = tl::expected<T, Error>;
using Failure = tl::unexpected<Error>;

namespace detail {
inline void append_part(std::string& out, std::string_view part) {
    out += part;
}
inline void append_part(std::string& out, char part) {
    out += part;
}
inline void append_part(std::string& out, std::integral auto part) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, part);
    out.append(digits, end.ptr);
}
}  // namespace detail

// Joins strings and integers; the store has no formatting library.
template <class... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
    std::string out;
    (detail::append_part(out, parts), ...);
    return out;
}

template <class... Parts>
[[nodiscard]] Failure fail(Code code, const Parts&... parts) {
    return Failure(Error{code, concat(parts...), {}});
}

// A refusal by a named rule of the format.
template <class... Parts>
[[nodiscard]] Failure refuse(Code code, std::string_view rule, const Parts&... parts) {
    return Failure(Error{code, concat(parts...), rule});
}

// The same error with the circumstance in front: "reading /etc/x: no such file".
template <class... Parts>
[[nodiscard]] Failure wrap(Error error, const Parts&... circumstance) {
    error.message = concat(circumstance..., ": ", error.message);
    return Failure(std::move(error));
}

}  // namespace coffer

#define COFFER_JOIN_(a, b) a##b
#define COFFER_JOIN(a, b) COFFER_JOIN_(a, b)

// COFFER_TRY(auto value, expression): the value of a Result, or return its error from this function.
#define COFFER_TRY(declaration, ...) COFFER_TRY_(COFFER_JOIN(coffer_try_, __LINE__), declaration, __VA_ARGS__)
#define COFFER_TRY_(temporary, declaration, ...)                                \
    auto temporary = (__VA_ARGS__);                                             \
    if (!temporary) return ::tl::make_unexpected(std::move(temporary).error()); \
    declaration = *std::move(temporary)

// COFFER_CHECK(expression): return the error of a Result<void>, or go on.
#define COFFER_CHECK(...)                                                                 \
    do {                                                                                  \
        auto coffer_check = (__VA_ARGS__);                                                \
        if (!coffer_check) return ::tl::make_unexpected(std::move(coffer_check).error()); \
    } while (false)
