// SPDX-License-Identifier: Apache-2.0
#include "serve/errno_table.h"

#include <cerrno>
#include <map>

#include "support/catch.h"

using namespace coffer;

TEST_CASE("every code has the errno that the manual names") {
    const std::map<Code, int> wanted = {
        {Code::invalid, EINVAL},  {Code::not_found, ENOENT},    {Code::not_allowed, EACCES},
        {Code::conflict, EAGAIN}, {Code::tampered, EIO},        {Code::unavailable, EIO},
        {Code::no_key, ENOKEY},   {Code::expired, EKEYEXPIRED}, {Code::revoked, EKEYREVOKED},
        {Code::limit, EMFILE},    {Code::read_only, EROFS},     {Code::failed, EIO},
    };
    for (Code code : kAllCodes) {
        REQUIRE(wanted.contains(code));
        CHECK(to_errno(code) == wanted.at(code));
    }
}
