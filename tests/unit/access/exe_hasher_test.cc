// SPDX-License-Identifier: Apache-2.0
#include "access/attest/exe_hasher.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "support/catch.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::TempFolder;

namespace {

// FIPS 180-4 examples: "abc".
constexpr std::string_view kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Descriptor open_file(const std::filesystem::path& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

bool known_soon(ExeHasher& hasher, const std::filesystem::path& path) {
    for (int tries = 0; tries < 2000; ++tries) {
        if (hasher.hash(open_file(path))) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

}  // namespace

TEST_CASE("the hash is that of sha256sum, also of a file longer than one read") {
    TempFolder folder;
    ExeHasher hasher;
    CHECK(hasher.hash(open_file(folder.write("abc", "abc"))).value().hex() == kAbc);
    CHECK(hasher.hash(open_file(folder.write("million", std::string(1'000'000, 'a')))).value().hex() ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a file that is written anew is hashed anew") {
    TempFolder folder;
    ExeHasher hasher;
    auto file = folder.write("program", "xyz");
    auto before = hasher.hash(open_file(file)).value();
    struct stat was {};
    REQUIRE(stat(file.c_str(), &was) == 0);
    // The same length, and its own time set back: only the change time tells.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the granularity of a file's times
    folder.write("program", "abc");
    struct timespec times[2] = {was.st_atim, was.st_mtim};
    REQUIRE(utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
    CHECK(hasher.hash(open_file(file)).value().hex() == kAbc);
    CHECK(before.hex() != kAbc);
}

TEST_CASE("what is too large, no regular file or not readable has no hash") {
    TempFolder folder;
    ExeHasher hasher({.bytes = 10, .patience = std::chrono::seconds(20), .waiting = 4});
    CHECK(hasher.hash(open_file(folder.write("small", "0123456789"))).has_value());
    CHECK(hasher.hash(open_file(folder.write("large", "0123456789a"))).error().code == Code::limit);
    CHECK(hasher.hash(open_file(folder.path())).error().code == Code::not_allowed);
    REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
    CHECK(hasher.hash(open_file(folder / "fifo")).error().code == Code::not_allowed);
    CHECK(hasher.hash(Descriptor()).error().code == Code::not_allowed);
}

TEST_CASE("patience ends, the work does not") {
    TempFolder folder;
    ExeHasher hasher({.bytes = 1u << 30, .patience = std::chrono::milliseconds(0), .waiting = 1});
    auto large = folder.write("large", std::string(32u << 20, 'x')), other = folder.write("other", "y");
    CHECK(hasher.hash(open_file(large)).error().code == Code::limit);
    CHECK(hasher.hash(open_file(other)).error().code == Code::limit);  // no room to wait
    CHECK(known_soon(hasher, large));
}

TEST_CASE("no more callers wait than may, and the work is done for who comes again") {
    TempFolder folder;
    ExeHasher hasher({.bytes = 1u << 30, .patience = std::chrono::hours(1), .waiting = 64, .callers = 0});
    auto large = folder.write("large", std::string(32u << 20, 'x'));
    CHECK(hasher.hash(open_file(large)).error().code == Code::limit);
    CHECK(known_soon(hasher, large));
}

TEST_CASE("who has waited makes room for the next") {
    TempFolder folder;
    ExeHasher hasher({.bytes = 1u << 30, .patience = std::chrono::hours(1), .waiting = 64, .callers = 1});
    for (int i = 0; i < 3; ++i)
        CHECK(hasher.hash(open_file(folder.write(concat("f", i), concat("abc", i)))).has_value());
}

TEST_CASE("many ask at once for the same and for different files") {
    TempFolder folder;
    ExeHasher hasher({.bytes = 1u << 30, .patience = std::chrono::seconds(60), .waiting = 64});
    std::vector<std::filesystem::path> files;
    for (int i = 0; i < 4; ++i) files.push_back(folder.write(concat("f", i), concat("abc", i)));
    std::vector<std::thread> threads;
    std::atomic<int> good = 0;
    for (int i = 0; i < 16; ++i) {
        threads.emplace_back([&, i] {
            auto hash = hasher.hash(open_file(files[static_cast<std::size_t>(i % 4)]));
            good += hash.has_value();
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(good == 16);
}
