// SPDX-License-Identifier: Apache-2.0
#include "service/peer_limits.h"

#include "support/catch.h"

using namespace coffer;
using std::chrono::seconds;

namespace {

constexpr uid_t kAlice = 1001, kBob = 1002, kRoot = 0;
const PeerLimits::Time kStart{seconds(1000)};

PeerLimits limits() {
    return PeerLimits({4, 2, 1000, 6, 600});
}

}  // namespace

TEST_CASE("a user has so many connections, all users together so many, and root any number") {
    PeerLimits some = limits();
    CHECK(some.enter(kAlice));
    CHECK(some.enter(kAlice));
    auto refused = some.enter(kAlice);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::limit);
    CHECK(some.enter(kBob));
    CHECK(some.enter(1003));
    CHECK_FALSE(some.enter(1004));
    for (int i = 0; i < 100; ++i) CHECK(some.enter(kRoot));
    some.leave(kAlice);
    CHECK(some.enter(1004));
    CHECK(some.connections() == 4);
}

TEST_CASE("bytes on their way are bounded for each user, and a large reply makes the next request wait") {
    PeerLimits some = limits();
    CHECK(some.reserve(kAlice, 600));
    CHECK(some.reserve(kAlice, 600).error().code == Code::limit);
    CHECK(some.reserve(kBob, 600));
    CHECK(some.reserve(kRoot, 1u << 30));
    CHECK(some.has_room(kAlice));
    some.hold(kAlice, 600);
    CHECK_FALSE(some.has_room(kAlice));
    CHECK(some.has_room(kBob));
    some.release(kAlice, 600);
    CHECK(some.has_room(kAlice));
}

TEST_CASE("appends are counted by the minute and come back evenly") {
    PeerLimits some = limits();
    for (int i = 0; i < 6; ++i) CHECK(some.spend(kAlice, 1, kStart));
    auto refused = some.spend(kAlice, 1, kStart);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::limit);
    CHECK(refused.error().message.find("in 10 s") != std::string::npos);
    CHECK(some.spend(kBob, 1, kStart));
    CHECK_FALSE(some.spend(kAlice, 1, kStart + seconds(9)));
    CHECK(some.spend(kAlice, 1, kStart + seconds(10)));
    CHECK_FALSE(some.spend(kAlice, 1, kStart + seconds(10)));
    for (int i = 0; i < 6; ++i) CHECK(some.spend(kAlice, 1, kStart + seconds(600)));
    CHECK_FALSE(some.spend(kAlice, 1, kStart + seconds(600)));
    for (int i = 0; i < 100; ++i) CHECK(some.spend(kRoot, 1u << 30, kStart));
}

TEST_CASE("the bytes of appends are counted too, and one that is over a minute's worth takes all of it") {
    PeerLimits some = limits();
    CHECK(some.spend(kAlice, 500, kStart));
    CHECK_FALSE(some.spend(kAlice, 200, kStart));
    CHECK(some.spend(kAlice, 100, kStart));
    CHECK(some.spend(kBob, 9999, kStart));
    CHECK_FALSE(some.spend(kBob, 1, kStart));
    CHECK_FALSE(some.spend(kBob, 9999, kStart + seconds(59)));
    CHECK(some.spend(kBob, 9999, kStart + seconds(60)));
}

TEST_CASE("many users that came and went take no memory for ever, and who has spent is remembered") {
    PeerLimits some = limits();
    for (int i = 0; i < 6; ++i) CHECK(some.spend(kAlice, 1, kStart));
    for (uid_t uid = 10000; uid < 20000; ++uid) CHECK(some.spend(uid, 1, kStart));
    CHECK_FALSE(some.spend(kAlice, 1, kStart));
    CHECK(some.spend(kAlice, 1, kStart + seconds(60)));
}
