// SPDX-License-Identifier: Apache-2.0
#include "input/moment.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <optional>

#include "names/name.h"

namespace coffer {
namespace {

constexpr std::uint64_t kDayMs = 86'400'000;
constexpr std::uint64_t kEndMs = 253'402'300'800'000;  // the year 10000

Failure not_a_moment(std::string_view text) {
    return fail(
        Code::invalid,
        "expected a time from now such as 30d, 12h, 45m, 90s or 2w, or one like 2027-01-31T00:00:00Z; "
        "found \"",
        printable(text), '"');
}

// Exactly `digits` decimal digits from the front of `rest`.
std::optional<unsigned> take_digits(std::string_view& rest, std::size_t digits) {
    if (rest.size() < digits) return std::nullopt;
    unsigned value = 0;
    for (char c : rest.substr(0, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    rest.remove_prefix(digits);
    return value;
}

bool take(std::string_view& rest, char c) {
    if (rest.empty() || rest[0] != c) return false;
    rest.remove_prefix(1);
    return true;
}

// "Z", "+01:00" or "-05:30", in minutes.
std::optional<int> take_offset(std::string_view& rest) {
    if (take(rest, 'Z')) return 0;
    int sign = 0;
    if (take(rest, '+')) sign = 1;
    if (sign == 0 && take(rest, '-')) sign = -1;
    auto hours = take_digits(rest, 2);
    bool colon = take(rest, ':');
    auto minutes = take_digits(rest, 2);
    if (sign == 0 || !hours || !colon || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    return sign * static_cast<int>(*hours * 60 + *minutes);
}

// Milliseconds of ".5", ".25", ".123456"; 0 when there is no point, nothing when no digit follows it.
std::optional<unsigned> take_fraction(std::string_view& rest) {
    if (!take(rest, '.')) return 0;
    unsigned value = 0, weight = 100, digits = 0;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1), ++digits) {
        value += static_cast<unsigned>(rest[0] - '0') * weight;
        weight /= 10;
    }
    if (digits == 0) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> parse_rfc3339(std::string_view text) {
    using namespace std::chrono;
    std::string_view rest = text;
    auto y = take_digits(rest, 4);
    bool good = take(rest, '-');
    auto mo = take_digits(rest, 2);
    good = take(rest, '-') && good;
    auto d = take_digits(rest, 2);
    good = take(rest, 'T') && good;
    auto h = take_digits(rest, 2);
    good = take(rest, ':') && good;
    auto mi = take_digits(rest, 2);
    good = take(rest, ':') && good;
    auto s = take_digits(rest, 2);
    if (!good || !y || !mo || !d || !h || !mi || !s) return std::nullopt;
    auto fraction = take_fraction(rest);
    auto offset = take_offset(rest);
    year_month_day date{year(static_cast<int>(*y)), month(*mo), day(*d)};
    // No leap second: nothing in the store counts them.
    if (!fraction || !offset || !rest.empty() || !date.ok() || *h > 23 || *mi > 59 || *s > 59)
        return std::nullopt;
    auto at =
        sys_days(date) + hours(*h) + minutes(*mi) - minutes(*offset) + seconds(*s) + milliseconds(*fraction);
    auto ms = duration_cast<milliseconds>(at.time_since_epoch()).count();
    if (ms < 0) return std::nullopt;
    return static_cast<std::uint64_t>(ms);
}

std::optional<std::uint64_t> unit_ms(char unit) {
    switch (unit) {
        case 's':
            return 1000;
        case 'm':
            return 60'000;
        case 'h':
            return 3'600'000;
        case 'd':
            return kDayMs;
        case 'w':
            return 7 * kDayMs;
        default:
            return std::nullopt;
    }
}

// "30d"; at most nine digits, so that nothing overflows.
std::optional<std::uint64_t> parse_span(std::string_view text) {
    if (text.size() < 2 || text.size() > 10) return std::nullopt;
    auto unit = unit_ms(text.back());
    std::string_view rest = text.substr(0, text.size() - 1);
    auto count = take_digits(rest, rest.size());
    if (!unit || !count) return std::nullopt;
    return *count * *unit;
}

}  // namespace

std::string moment_text(std::uint64_t ms) {
    using namespace std::chrono;
    if (ms >= kEndMs) return concat('+', ms, "ms");
    sys_days date{days(static_cast<int>(ms / kDayMs))};
    year_month_day ymd(date);
    auto second = static_cast<unsigned>(ms % kDayMs / 1000);
    std::array<char, 32> text{};
    int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02u:%02u:%02uZ", int(ymd.year()),
                             unsigned(ymd.month()), unsigned(ymd.day()), second / 3600, second / 60 % 60,
                             second % 60);
    return {text.data(), static_cast<std::size_t>(size)};
}

std::string age_text(std::uint64_t then, std::uint64_t now) {
    constexpr std::uint64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
    const std::uint64_t seconds = now > then ? (now - then) / 1000 : 0;
    if (seconds < kMinute) return concat(seconds, 's');
    if (seconds < kHour) return concat(seconds / kMinute, 'm');
    if (seconds < 2 * kDay) return concat(seconds / kHour, 'h');
    return concat(seconds / kDay, 'd');
}

Result<std::uint64_t> parse_expiry(std::string_view text, std::uint64_t now) {
    std::uint64_t at = 0;
    if (auto span = parse_span(text)) {
        at = now + *span;
    } else if (auto moment = parse_rfc3339(text)) {
        at = *moment;
    } else {
        return not_a_moment(text);
    }
    if (at <= now)
        return fail(Code::invalid, "\"", printable(text), "\" is over already; it is ", moment_text(now));
    if (at >= kEndMs) return fail(Code::invalid, "\"", printable(text), "\" is after the year 9999");
    return at;
}

}  // namespace coffer
