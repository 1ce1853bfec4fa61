// SPDX-License-Identifier: Apache-2.0
#include "access/attest/invocation.h"

#include "support/catch.h"
#include "support/temp_folder.h"

using namespace coffer;

TEST_CASE("a unit's invocation is where the system's manager links it") {
    test::TempFolder folder;
    const std::string id = "00112233445566778899aabbccddeeff";
    std::filesystem::create_symlink(id, folder / "invocation:checkout.service");
    std::filesystem::create_symlink("/etc/passwd", folder / "invocation:other.service");
    std::filesystem::create_symlink(id + "00", folder / "invocation:long.service");
    CHECK(read_invocation_id("checkout.service", folder.path()) == id);
    CHECK(read_invocation_id("other.service", folder.path()).empty());
    CHECK(read_invocation_id("long.service", folder.path()).empty());
    CHECK(read_invocation_id("missing.service", folder.path()).empty());
    CHECK(read_invocation_id("", folder.path()).empty());
    CHECK(read_invocation_id("x/../invocation:checkout.service", folder.path()).empty());
}
