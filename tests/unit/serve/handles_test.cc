// SPDX-License-Identifier: Apache-2.0
#include "serve/handles.h"

#include <cerrno>

#include "support/catch.h"

using namespace coffer;

namespace {

std::shared_ptr<OpenFile> file_of(uid_t uid) {
    auto file = std::make_shared<OpenFile>();
    file->uid = uid;
    file->version = 7;
    file->level = 2;
    file->inherit = true;
    return file;
}

}  // namespace

TEST_CASE("a handle's bits come back as they were packed") {
    for (const HandleBits& bits :
         {HandleBits{}, HandleBits{0xffff, HandleBits::kMaxSlot, HandleBits::kSaturated, 3, true},
          HandleBits{1, 2, 3, 1, false}, HandleBits{0x8000, 0, 1, 0, true}})
        CHECK(HandleBits::unpack(bits.pack()) == bits);
    CHECK(HandleBits{.version = 0xffffffff}.pack() == HandleBits{.version = HandleBits::kSaturated}.pack());
}

TEST_CASE("a handle says which version was opened, for a daemon that has no table of it") {
    Handles handles({}, 77);
    auto handle = handles.add(file_of(1));
    REQUIRE(handle);
    const HandleBits bits = HandleBits::unpack(*handle);
    CHECK(bits.generation == 77);
    CHECK(bits.version == 7);
    CHECK(bits.level == 2);
    CHECK(bits.inherit);
}

TEST_CASE("a user at its limit gets EMFILE and others go on, all together ENFILE") {
    Handles handles({.total = 5, .per_uid = 3}, 1);
    std::vector<std::uint64_t> mine;
    for (int i = 0; i < 3; ++i) mine.push_back(*handles.add(file_of(1)));
    CHECK(handles.add(file_of(1)).error() == Errno{EMFILE});
    CHECK(handles.add(file_of(2)));
    CHECK(handles.add(file_of(2)));
    CHECK(handles.add(file_of(2)).error() == Errno{ENFILE});
    handles.release(mine[1]);
    CHECK_FALSE(handles.find(mine[1]));
    CHECK(handles.open() == 4);
    CHECK(handles.add(file_of(1)));
}

TEST_CASE("a released handle finds nothing of what is open in its place") {
    Handles handles({}, 1);
    const auto before = *handles.add(file_of(1));
    handles.release(before);
    auto other = file_of(2);
    other->version = 8;
    const auto after = *handles.add(other);
    REQUIRE(HandleBits::unpack(after).slot == HandleBits::unpack(before).slot);
    CHECK_FALSE(handles.find(before));
    handles.release(before);
    CHECK(handles.find(after) == other);
}

TEST_CASE("a handle of another daemon and a released one find nothing") {
    Handles handles({}, 1), other({}, 2);
    auto foreign = other.add(file_of(1));
    auto own = handles.add(file_of(1));
    CHECK(handles.find(*own));
    CHECK_FALSE(handles.find(*foreign));
    handles.release(*foreign);
    CHECK(handles.find(*own));
    handles.release(*own);
    handles.release(*own);
    CHECK(handles.open() == 0);
}

TEST_CASE("large copies are charged to the opener until the release") {
    Handles handles({.large_bytes_per_uid = 1000}, 1);
    auto file = file_of(1);
    auto handle = handles.add(file);
    CHECK_FALSE(handles.charge_large(*file, 1001));
    CHECK(handles.charge_large(*file, 600));
    CHECK_FALSE(handles.charge_large(*file, 600));
    CHECK(handles.charge_large(*file_of(2), 600));
    // What the file held at its release is given back.
    auto copy = std::make_shared<LargeCopy>();
    copy->memory = *SecretBuffer::allocate(600);
    file->large = std::move(copy);
    handles.release(*handle);
    CHECK(handles.charge_large(*file_of(1), 1000));
}

TEST_CASE("a file that comes with its text is charged for it, and refused when that is too much") {
    Handles earlier({}, 1), handles({.large_bytes_per_uid = 1000}, 2);
    auto with_text = [](std::size_t size) {
        auto copy = std::make_shared<LargeCopy>();
        copy->memory = *SecretBuffer::allocate(size);
        auto file = file_of(1);
        file->large = std::move(copy);
        return file;
    };
    const std::uint64_t theirs = *earlier.add(file_of(1));
    auto first = handles.add(with_text(600));
    REQUIRE(first);
    CHECK(handles.add(with_text(600)).error() == Errno{EMFILE});
    CHECK(handles.adopt(theirs, with_text(600)).error() == Errno{EMFILE});
    CHECK(handles.open() == 1);
    handles.release(*first);
    CHECK(handles.adopt(theirs, with_text(1000)));
    CHECK(handles.add(with_text(1)).error() == Errno{EMFILE});
    handles.release(theirs);
    CHECK(handles.add(with_text(1000)));
}

TEST_CASE("an adopted handle is found and released like an own one, and hides none of the same slot") {
    Handles earlier({}, 1), handles({}, 2);
    const std::uint64_t theirs = *earlier.add(file_of(1)), own = *handles.add(file_of(1));
    REQUIRE(HandleBits::unpack(theirs).slot == HandleBits::unpack(own).slot);
    CHECK_FALSE(handles.is_own(theirs));
    CHECK(handles.is_own(own));
    auto file = file_of(1);
    REQUIRE(handles.adopt(theirs, file));
    CHECK(handles.find(theirs) == file);
    CHECK(handles.find(own) != file);
    CHECK(handles.open() == 2);
    handles.release(theirs);
    CHECK_FALSE(handles.find(theirs));
    CHECK(handles.find(own));
    handles.release(theirs);
    CHECK(handles.open() == 1);
}

TEST_CASE("of two who adopt a handle at once the first one's file is kept, and charged once") {
    Handles earlier({}, 1), handles({.per_uid = 1}, 2);
    const std::uint64_t handle = *earlier.add(file_of(1));
    auto first = file_of(1), second = file_of(2);
    REQUIRE(handles.adopt(handle, first));
    REQUIRE(handles.adopt(handle, second));
    CHECK(handles.find(handle) == first);
    CHECK(handles.open() == 1);
    CHECK(handles.add(file_of(2)));
    handles.release(handle);
    CHECK(handles.add(file_of(1)));
    CHECK(handles.add(file_of(1)).error() == Errno{EMFILE});
}

TEST_CASE("adopted handles count towards the limits as those that were opened here") {
    Handles earlier({}, 1), handles({.total = 4, .per_uid = 2}, 2);
    std::vector<std::uint64_t> theirs;
    for (int i = 0; i < 6; ++i) theirs.push_back(*earlier.add(file_of(9)));
    REQUIRE(handles.add(file_of(1)));
    REQUIRE(handles.adopt(theirs[0], file_of(1)));
    CHECK(handles.adopt(theirs[1], file_of(1)).error() == Errno{EMFILE});
    CHECK(handles.add(file_of(1)).error() == Errno{EMFILE});
    REQUIRE(handles.adopt(theirs[1], file_of(2)));
    REQUIRE(handles.add(file_of(2)));
    CHECK(handles.adopt(theirs[2], file_of(3)).error() == Errno{ENFILE});
    CHECK(handles.add(file_of(3)).error() == Errno{ENFILE});
    CHECK_FALSE(handles.find(theirs[2]));
    handles.release(theirs[0]);
    CHECK(handles.adopt(theirs[2], file_of(3)));
    CHECK(handles.open() == 4);
}

TEST_CASE("a large copy of an adopted handle is given back at its release") {
    Handles earlier({}, 1), handles({.large_bytes_per_uid = 1000}, 2);
    const std::uint64_t handle = *earlier.add(file_of(1));
    auto file = file_of(1);
    REQUIRE(handles.adopt(handle, file));
    CHECK(handles.charge_large(*file, 1000));
    auto copy = std::make_shared<LargeCopy>();
    copy->memory = *SecretBuffer::allocate(1000);
    file->large = std::move(copy);
    CHECK_FALSE(handles.charge_large(*file_of(1), 1));
    handles.release(handle);
    CHECK(handles.charge_large(*file_of(1), 1000));
}
