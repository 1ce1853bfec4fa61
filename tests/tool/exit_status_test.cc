// SPDX-License-Identifier: Apache-2.0
#include "output/exit_status.h"

#include <map>

#include "support/catch.h"

using coffer::Code;

TEST_CASE("every code has its exit status, as the manual page lists them") {
    const std::map<Code, int> expected{{Code::invalid, 2},  {Code::not_found, 3}, {Code::not_allowed, 4},
                                       {Code::conflict, 5}, {Code::tampered, 6},  {Code::unavailable, 7},
                                       {Code::no_key, 4},   {Code::expired, 1},   {Code::revoked, 3},
                                       {Code::limit, 1},    {Code::read_only, 7}, {Code::failed, 1}};
    CHECK(expected.size() == std::size(coffer::kAllCodes));
    for (Code code : coffer::kAllCodes) {
        CAPTURE(static_cast<int>(code));
        REQUIRE(expected.contains(code));
        CHECK(static_cast<int>(coffer::exit_status(code)) == expected.at(code));
    }
}
