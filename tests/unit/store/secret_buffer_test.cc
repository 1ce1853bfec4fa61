// SPDX-License-Identifier: Apache-2.0
#include "keys/secret_buffer.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <string>
#include <type_traits>

#include "support/catch.h"
#include "support/in_child.h"

using namespace coffer;

namespace {

// A line of the mapping that holds `address`, from /proc/self/smaps: "Locked", "VmFlags".
std::string mapping_line(const void* address, std::string_view name) {
    std::ifstream maps("/proc/self/smaps");
    auto wanted = reinterpret_cast<std::uintptr_t>(address);
    bool inside = false;
    for (std::string line; std::getline(maps, line);) {
        auto dash = line.find('-'), space = line.find(' ');
        if (dash != line.npos && dash < space && line.find(':') > space) {
            auto from = std::stoull(line.substr(0, dash), nullptr, 16);
            auto to = std::stoull(line.substr(dash + 1, space - dash - 1), nullptr, 16);
            inside = from <= wanted && wanted < to;
        } else if (inside && line.starts_with(name)) {
            return line;
        }
    }
    return {};
}

}  // namespace

TEST_CASE("a new secret buffer is all zeros") {
    auto buffer = SecretBuffer::allocate(100);
    REQUIRE(buffer);
    CHECK(buffer->size() == 100);
    CHECK(std::all_of(buffer->view().begin(), buffer->view().end(), [](auto byte) { return byte == 0; }));
}

TEST_CASE("secret memory is locked and left out of core dumps") {
    auto buffer = SecretBuffer::allocate(100);
    REQUIRE(buffer);
    auto flags = mapping_line(buffer->view().data(), "VmFlags:");
    INFO(flags);
#ifndef COFFER_NO_MLOCK
    CHECK(flags.find(" lo") != flags.npos);  // locked
#endif
    CHECK(flags.find(" dd") != flags.npos);  // do not dump
}

TEST_CASE("an empty secret is allowed and owns nothing") {
    auto buffer = SecretBuffer::allocate(0);
    REQUIRE(buffer);
    CHECK(buffer->empty());
    CHECK(buffer->equals({}));
    CHECK(SecretBuffer().view().empty());
}

TEST_CASE("taking bytes copies them and wipes their source") {
    Bytes source = {1, 2, 3};
    auto buffer = SecretBuffer::take(source);
    REQUIRE(buffer);
    CHECK(buffer->equals(Bytes{1, 2, 3}));
    CHECK(source == Bytes{0, 0, 0});
}

TEST_CASE("a moved-from secret is empty and the target holds the bytes") {
    Bytes source = {1, 2, 3}, other = {9};
    auto first = SecretBuffer::take(source).value();
    auto second = SecretBuffer::take(other).value();
    second = std::move(first);
    CHECK(second.equals(Bytes{1, 2, 3}));
    CHECK(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
    SecretBuffer third(std::move(second));
    CHECK(third.equals(Bytes{1, 2, 3}));
    CHECK(second.empty());  // NOLINT(bugprone-use-after-move)
}

TEST_CASE("comparison looks at every byte and at the length") {
    Bytes source = {1, 2, 3};
    auto buffer = SecretBuffer::take(source).value();
    CHECK_FALSE(buffer.equals(Bytes{1, 2, 4}));
    CHECK_FALSE(buffer.equals(Bytes{0, 2, 3}));
    CHECK_FALSE(buffer.equals(Bytes{1, 2}));
    CHECK_FALSE(buffer.equals(Bytes{1, 2, 3, 0}));
}

TEST_CASE("shrinking keeps the front and wipes the rest") {
    Bytes source = {1, 2, 3, 4};
    auto buffer = SecretBuffer::take(source).value();
    auto whole = buffer.writable();
    buffer.shrink(2);
    CHECK(buffer.equals(Bytes{1, 2}));
    CHECK(whole[2] == 0);
    CHECK(whole[3] == 0);
    buffer.shrink(10);
    CHECK(buffer.size() == 2);
}

TEST_CASE("random secrets differ") {
    auto one = SecretBuffer::random(32).value(), two = SecretBuffer::random(32).value();
    CHECK_FALSE(one.equals(two.view()));
}

TEST_CASE("a secret over 64 MiB is a limit, not an attempt") {
    auto buffer = SecretBuffer::allocate((64u << 20) + 1);
    REQUIRE_FALSE(buffer);
    CHECK(buffer.error().code == Code::limit);
}

#ifndef COFFER_NO_MLOCK
TEST_CASE("memory that cannot be locked is refused, and the message names the limit") {
    int status = test::in_child([] {
        rlimit none{0, 0};
        if (setrlimit(RLIMIT_MEMLOCK, &none) != 0) return 2;
        if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0) return 3;  // root may lock without limit
        auto buffer = SecretBuffer::allocate(32);
        if (buffer) return 4;
        if (buffer.error().code != Code::limit) return 5;
        return buffer.error().message.find("RLIMIT_MEMLOCK") == std::string::npos ? 6 : 0;
    });
    CHECK(status == 0);
}
#endif

TEST_CASE("a read past the end of a secret is a fault, not a leak") {
    auto buffer = SecretBuffer::allocate(32).value();
    int status = test::in_child([&] {
        prctl(PR_SET_DUMPABLE, 0);
        std::signal(SIGSEGV, SIG_DFL);  // not the test framework's
        volatile const std::uint8_t* end = buffer.view().data() + buffer.size();
        return static_cast<int>(*end);
    });
    CHECK(status == -SIGSEGV);
}

static_assert(!std::is_copy_constructible_v<SecretBuffer> && !std::is_copy_assignable_v<SecretBuffer>);
static_assert(std::is_nothrow_move_constructible_v<SecretBuffer>);
