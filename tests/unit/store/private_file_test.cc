// SPDX-License-Identifier: Apache-2.0
#include "keys/private_file.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>

#include "support/catch.h"
#include "support/in_child.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::TempFolder;

namespace {

constexpr uid_t kReader = 65534;

struct Entry {
    std::uint16_t tag, permissions;
    std::uint32_t id;
};
constexpr std::uint32_t kNoId = 0xffffffff;
constexpr std::uint16_t kOwner = 0x01, kUser = 0x02, kOwningGroup = 0x04, kGroup = 0x08, kMask = 0x10,
                        kOthers = 0x20;

bool set_access_list(const std::filesystem::path& path, std::initializer_list<Entry> entries) {
    ByteWriter out;
    out.u32(2);
    for (const Entry& entry : entries) {
        out.u16(entry.tag);
        out.u16(entry.permissions);
        out.u32(entry.id);
    }
    return setxattr(path.c_str(), "system.posix_acl_access", out.bytes().data(), out.bytes().size(), 0) == 0;
}

// 0: read, 1: refused as not allowed, 2: something else.
int read_as_reader(const std::filesystem::path& path) {
    return test::in_child([&] {
        if (setresuid(kReader, kReader, kReader) != 0) return 3;
        auto content = read_private_file(path, 100);
        if (content) return content->equals(as_bytes("secret")) ? 0 : 4;
        return content.error().code == Code::not_allowed ? 1 : 2;
    });
}

}  // namespace

TEST_CASE("a private file is read whole, up to its limit") {
    TempFolder folder;
    auto path = folder.write("file", "secret");
    REQUIRE(chmod(path.c_str(), 0600) == 0);
    CHECK(read_private_file(path, 6).value().equals(as_bytes("secret")));
    CHECK(read_private_file(path, 5).error().code == Code::invalid);
}

TEST_CASE("a private file is not created through a symbolic link") {
    TempFolder folder;
    std::filesystem::create_symlink(folder / "target", folder / "link");
    CHECK(create_private_file(folder / "link", as_bytes("x")).error().code == Code::conflict);
    CHECK_FALSE(std::filesystem::exists(folder / "target"));
}

TEST_CASE("a private file is not created where there is no folder") {
    TempFolder folder;
    CHECK(create_private_file(folder / "none/file", as_bytes("x")).error().code == Code::not_found);
}

TEST_CASE("an access list that names the reader alone is private, any other is not (needs root)") {
    if (geteuid() != 0) {
        WARN("skipped: needs root");
        return;
    }
    TempFolder folder;
    REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
    auto path = folder.write("credential", "secret");
    REQUIRE(chmod(path.c_str(), 0400) == 0);
    if (!set_access_list(path, {{kOwner, 4, kNoId},
                                {kUser, 4, kReader},
                                {kOwningGroup, 0, kNoId},
                                {kMask, 4, kNoId},
                                {kOthers, 0, kNoId}})) {
        REQUIRE(errno == EOPNOTSUPP);
        WARN("skipped: the temporary folder's file system has no access lists");
        return;
    }
    struct stat status;
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0440);  // the mask shows as the group's bits
    CHECK(read_as_reader(path) == 0);

    REQUIRE(set_access_list(path, {{kOwner, 4, kNoId},
                                   {kUser, 4, 1000},
                                   {kUser, 4, kReader},
                                   {kOwningGroup, 0, kNoId},
                                   {kMask, 4, kNoId},
                                   {kOthers, 0, kNoId}}));
    CHECK(read_as_reader(path) == 1);
    REQUIRE(set_access_list(path, {{kOwner, 4, kNoId},
                                   {kUser, 4, kReader},
                                   {kOwningGroup, 0, kNoId},
                                   {kGroup, 4, 1000},
                                   {kMask, 4, kNoId},
                                   {kOthers, 0, kNoId}}));
    CHECK(read_as_reader(path) == 1);
    REQUIRE(set_access_list(path, {{kOwner, 4, kNoId},
                                   {kUser, 4, kReader},
                                   {kOwningGroup, 4, kNoId},
                                   {kMask, 4, kNoId},
                                   {kOthers, 0, kNoId}}));
    CHECK(read_as_reader(path) == 1);
}
