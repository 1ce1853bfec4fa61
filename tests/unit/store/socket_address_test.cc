// SPDX-License-Identifier: Apache-2.0
#include "base/socket_address.h"

#include "support/catch.h"

using namespace coffer;

TEST_CASE("the address of a socket takes a path of 1 to 107 bytes, whole and ended by a NUL") {
    const std::string longest(107, 'a');
    for (const std::string& path : {std::string("/run/coffer-store.sock"), longest}) {
        auto address = socket_address(path);
        REQUIRE(address);
        CHECK(address->sun_family == AF_UNIX);
        CHECK(std::string(address->sun_path) == path);
    }
    for (const std::string& path : {std::string(), longest + 'a'}) {
        auto address = socket_address(path);
        REQUIRE_FALSE(address);
        CHECK(address.error().code == Code::invalid);
    }
}
