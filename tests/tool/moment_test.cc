// SPDX-License-Identifier: Apache-2.0
#include "input/moment.h"

#include <string>

#include "support/catch.h"

using namespace coffer;

namespace {
constexpr std::uint64_t kNow = 1'795'240'134'102;  // 2026-11-21T05:48:54.102Z
constexpr std::uint64_t kDay = 86'400'000;
}  // namespace

TEST_CASE("a moment is shown in UTC and the fraction is dropped") {
    CHECK(moment_text(0) == "1970-01-01T00:00:00Z");
    CHECK(moment_text(kNow) == "2026-11-21T05:48:54Z");
    CHECK(moment_text(951'782'400'000) == "2000-02-29T00:00:00Z");
    CHECK(moment_text(253'402'300'799'999) == "9999-12-31T23:59:59Z");
    CHECK(moment_text(253'402'300'800'000) == "+253402300800000ms");
    CHECK(moment_text(UINT64_MAX) == "+18446744073709551615ms");
}

TEST_CASE("an expiry is a span from now in seconds, minutes, hours, days or weeks") {
    CHECK(*parse_expiry("30d", kNow) == kNow + 30 * kDay);
    CHECK(*parse_expiry("2w", kNow) == kNow + 14 * kDay);
    CHECK(*parse_expiry("12h", kNow) == kNow + kDay / 2);
    CHECK(*parse_expiry("45m", kNow) == kNow + 45 * 60'000);
    CHECK(*parse_expiry("1s", kNow) == kNow + 1000);
}

TEST_CASE("an expiry is a moment of RFC 3339 with any offset") {
    CHECK(*parse_expiry("2027-01-31T00:00:00Z", kNow) == 1'801'353'600'000);
    CHECK(*parse_expiry("2027-01-31T01:30:00+01:30", kNow) == 1'801'353'600'000);
    CHECK(*parse_expiry("2027-01-30T19:00:00-05:00", kNow) == 1'801'353'600'000);
    CHECK(*parse_expiry("2027-01-31T00:00:00.25Z", kNow) == 1'801'353'600'250);
    CHECK(*parse_expiry("2027-01-31T00:00:00.123456Z", kNow) == 1'801'353'600'123);
    CHECK(*parse_expiry("2028-02-29T00:00:00Z", kNow) > kNow);
}

TEST_CASE("an expiry that is no moment, or over, is refused") {
    for (const char* text : {"",
                             "d",
                             "30",
                             "30x",
                             "-1d",
                             "+1d",
                             "1.5d",
                             " 30d",
                             "30d ",
                             "99999999999d",
                             "0d",
                             "tomorrow",
                             "2027-01-31",
                             "2027-01-31T00:00:00",
                             "2027-01-31 00:00:00Z",
                             "2027-1-31T00:00:00Z",
                             "2027-02-29T00:00:00Z",
                             "2027-13-01T00:00:00Z",
                             "2027-01-31T24:00:00Z",
                             "2027-01-31T00:60:00Z",
                             "2027-01-31T00:00:60Z",
                             "2027-01-31T00:00:00.Z",
                             "2027-01-31T00:00:00+0100",
                             "2027-01-31T00:00:00Zx",
                             "2020-01-01T00:00:00Z",
                             "2026-11-21T05:48:54Z",
                             "1969-12-31T00:00:00Z",
                             "999999999w"}) {
        CAPTURE(std::string(text));
        auto refused = parse_expiry(text, kNow);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::invalid);
    }
}

TEST_CASE("an age is told in the largest unit that says enough") {
    constexpr std::uint64_t kSecond = 1000, kHour = 3600 * kSecond, kDay = 24 * kHour;
    auto age = [](std::uint64_t ms) { return age_text(kNow - ms, kNow); };
    CHECK(age(0) == "0s");
    CHECK(age(59 * kSecond + 999) == "59s");
    CHECK(age(60 * kSecond) == "1m");
    CHECK(age(kHour - 1) == "59m");
    CHECK(age(kHour) == "1h");
    CHECK(age(2 * kDay - 1) == "47h");
    CHECK(age(2 * kDay) == "2d");
    CHECK(age(400 * kDay) == "400d");
    // The time of a commit is its signer's claim, and may be to come.
    CHECK(age_text(kNow + kDay, kNow) == "0s");
}
