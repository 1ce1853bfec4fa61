// SPDX-License-Identifier: Apache-2.0
#include "keys/locked_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "support/catch.h"
#include "support/in_child.h"

using namespace coffer;

namespace {

bool all_zero(std::span<const std::uint8_t> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](auto byte) { return byte == 0; });
}

}  // namespace

TEST_CASE("a pool maps nothing before the first slot is asked for") {
    LockedPool pool(40, 100);
    CHECK(pool.locked_bytes() == 0);
    CHECK(pool.in_use() == 0);
}

TEST_CASE("slots are of the asked size, zero, apart from each other and counted") {
    LockedPool pool(40, 100);
    std::vector<LockedPool::Slot> slots;
    std::set<const std::uint8_t*> places;
    for (int i = 0; i < 100; ++i) {
        auto slot = pool.acquire();
        REQUIRE(slot);
        CHECK(slot->bytes().size() == 40);
        CHECK(all_zero(slot->bytes()));
        std::fill(slot->bytes().begin(), slot->bytes().end(), static_cast<std::uint8_t>(i + 1));
        places.insert(slot->bytes().data());
        slots.push_back(std::move(*slot));
    }
    CHECK(places.size() == 100);
    CHECK(pool.in_use() == 100);
    for (int i = 0; i < 100; ++i) {
        auto bytes = slots[static_cast<std::size_t>(i)].bytes();
        CHECK(std::all_of(bytes.begin(), bytes.end(), [&](auto byte) { return byte == i + 1; }));
    }
}

TEST_CASE("a pool that is full says so, and goes on when a slot comes back") {
    LockedPool pool(32, 2);
    auto one = pool.acquire(), two = pool.acquire();
    REQUIRE(one);
    REQUIRE(two);
    auto three = pool.acquire();
    REQUIRE_FALSE(three);
    CHECK(three.error().code == Code::limit);
    *one = LockedPool::Slot();
    CHECK(pool.in_use() == 1);
    CHECK(pool.acquire());
}

TEST_CASE("a released slot is wiped before it is given out again") {
    LockedPool pool(32, 1);
    const std::uint8_t* place = nullptr;
    {
        auto slot = pool.acquire().value();
        place = slot.bytes().data();
        std::fill(slot.bytes().begin(), slot.bytes().end(), std::uint8_t{0xaa});
    }
    auto again = pool.acquire().value();
    CHECK(again.bytes().data() == place);
    CHECK(all_zero(again.bytes()));
}

TEST_CASE("a pool grows past one slab and slots larger than a slab work") {
    LockedPool many(1000, 200);
    std::vector<LockedPool::Slot> slots;
    slots.reserve(200);
    for (int i = 0; i < 200; ++i) slots.push_back(many.acquire().value());
    CHECK(many.locked_bytes() >= 200'000);
    LockedPool large(200'000, 2);
    auto slot = large.acquire().value();
    std::fill(slot.bytes().begin(), slot.bytes().end(), std::uint8_t{1});
    CHECK(slot.bytes().size() == 200'000);
}

TEST_CASE("a small pool locks no more than it needs") {
    LockedPool pool(32, 2);
    auto slot = pool.acquire();
    REQUIRE(slot);
    CHECK(pool.locked_bytes() == static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
}

TEST_CASE("a moved slot is released once") {
    LockedPool pool(32, 4);
    auto slot = pool.acquire().value();
    LockedPool::Slot other(std::move(slot));
    CHECK_FALSE(slot);  // NOLINT(bugprone-use-after-move): that is what is tested
    CHECK(other);
    LockedPool::Slot third;
    third = std::move(other);
    CHECK(pool.in_use() == 1);
    third = LockedPool::Slot();
    CHECK(pool.in_use() == 0);
}

TEST_CASE("a forked child finds zeros where its parent has secrets") {
    LockedPool pool(32, 4);
    auto slot = pool.acquire().value();
    std::fill(slot.bytes().begin(), slot.bytes().end(), std::uint8_t{0x5a});
    CHECK(test::in_child([&] { return all_zero(slot.bytes()) ? 0 : 1; }) == 0);
    CHECK(slot.bytes()[0] == 0x5a);
}

#ifndef COFFER_NO_MLOCK
TEST_CASE("a pool that cannot lock memory refuses and names the limit") {
    int status = test::in_child([] {
        rlimit none{0, 0};
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 2;
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) return 3;
        LockedPool pool(32, 4);
        auto slot = pool.acquire();
        if (slot) return 4;
        if (slot.error().code != Code::limit || pool.locked_bytes() != 0) return 5;
        return slot.error().message.find("LimitMEMLOCK") == std::string::npos ? 6 : 0;
    });
    CHECK(status == 0);
}
#endif

TEST_CASE("threads share a pool without sharing a slot") {
    LockedPool pool(64, 64);
    std::atomic<int> clashes = 0;
    std::vector<std::thread> threads;
    for (int i = 1; i <= 4; ++i) {
        threads.emplace_back([&, i] {
            for (int round = 0; round < 2000; ++round) {
                auto slot = pool.acquire();
                if (!slot || !all_zero(slot->bytes())) ++clashes;
                if (!slot) continue;
                std::fill(slot->bytes().begin(), slot->bytes().end(), static_cast<std::uint8_t>(i));
                for (auto byte : slot->bytes()) clashes += byte != i;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(clashes == 0);
    CHECK(pool.in_use() == 0);
}
