// SPDX-License-Identifier: Apache-2.0
//
// What a kernel that is as it should be never asks for. All else that the callbacks answer is for the mount
// tests, and requests in any order for tests/fuzz/fuzz_requests.cc.
#include "serve/fuse_ops.h"

#include <sys/resource.h>

#include "support/catch.h"
#include "support/request_connection.h"

using namespace coffer;
using namespace coffer::test;

namespace {

template <class Struct>
ByteView bytes_of(const Struct& value) {
    return {reinterpret_cast<const std::uint8_t*>(&value), sizeof value};
}

long most_memory() {  // KiB
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return used.ru_maxrss;
}

}  // namespace

TEST_CASE("a listing takes no memory for more than a kernel asks for") {
    ServedStore store;
    RequestConnection connection(store);
    fuse_init_in init{};
    init.major = 7;
    init.minor = 38;
    REQUIRE(connection.send(store.self(), FUSE_INIT, 2, 0, bytes_of(init)).at(0).header.error == 0);

    const long before = most_memory();
    fuse_read_in all{};
    all.size = 0xffffffff;
    const auto replies = connection.send(store.self(), FUSE_READDIR, 4, kRootNode, bytes_of(all));
    REQUIRE(replies.size() == 1);
    CHECK(replies[0].header.error == 0);
    CHECK(as_text(replies[0].body).find("acme") != std::string_view::npos);
    CHECK(most_memory() - before < 1024 * 1024);
}
