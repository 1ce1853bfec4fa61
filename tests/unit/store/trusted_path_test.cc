// SPDX-License-Identifier: Apache-2.0
#include "base/trusted_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include "support/catch.h"
#include "support/in_child.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::in_child;
using coffer::test::TempFolder;

namespace {

constexpr uid_t kSomebody = 60001;

bool refuses(const std::filesystem::path& path, const std::filesystem::path& folder) {
    auto checked = check_folders_above(path);
    return !checked && checked.error().code == Code::not_allowed &&
           checked.error().message.starts_with(folder.string() + ' ');
}

}  // namespace

TEST_CASE("folders that nobody else can write are no reason to refuse what is in them") {
    TempFolder folder;
    std::filesystem::create_directories(folder / "a/b");
    CHECK(check_folders_above(folder / "a/b/file"));
    CHECK(check_folders_above(folder / "a/./b/../b//file"));
    CHECK(check_folders_above(folder / "a/missing/file"));
    CHECK(check_folders_above("/"));
    CHECK(check_folders_above("relative"));
}

TEST_CASE("a folder on the way that others can write is refused, and one with the sticky bit is not") {
    TempFolder folder;
    std::filesystem::create_directories(folder / "a/b");
    const auto a = folder / "a";
    REQUIRE(chmod(a.c_str(), 0757) == 0);
    CHECK(refuses(a / "b/file", a));
    CHECK(refuses(a / "b/../../a/b/file", a));
    REQUIRE(chmod(a.c_str(), 01777) == 0);
    CHECK(check_folders_above(a / "b/file"));
    REQUIRE(chmod(a.c_str(), 0700) == 0);
    CHECK(check_folders_above(a / "b/file"));
    // What is named itself is for whoever opens it.
    REQUIRE(chmod((a / "b").c_str(), 0777) == 0);
    CHECK(check_folders_above(a / "b"));
}

TEST_CASE("the folders behind a symbolic link count as much as those before it") {
    TempFolder folder;
    std::filesystem::create_directories(folder / "real/loose/deep");
    std::filesystem::create_directories(folder / "names");
    REQUIRE(chmod((folder / "real/loose").c_str(), 0777) == 0);
    std::filesystem::create_symlink(folder / "real/loose/deep", folder / "names/absolute");
    std::filesystem::create_symlink("../real/loose/deep", folder / "names/relative");
    std::filesystem::create_symlink("absolute", folder / "names/twice");
    std::filesystem::create_symlink(folder / "real/loose/deep/file", folder / "names/file");
    for (const char* name : {"absolute/file", "relative/file", "twice/file", "file"})
        CHECK(refuses(folder / "names" / name, folder / "real/loose"));
    REQUIRE(chmod((folder / "real/loose").c_str(), 0755) == 0);
    for (const char* name : {"absolute/file", "relative/file", "twice/file", "file"})
        CHECK(check_folders_above(folder / "names" / name));
    std::filesystem::create_symlink("round", folder / "names/round");
    CHECK(check_folders_above(folder / "names/round/file"));  // nothing can be opened there
}

TEST_CASE("a folder or a link of another user is refused, but where that user is trusted (needs root)") {
    if (geteuid() != 0) return;
    TempFolder folder;
    std::filesystem::create_directories(folder / "theirs/b");
    const auto theirs = folder / "theirs", link = folder / "link";
    REQUIRE(chown(theirs.c_str(), kSomebody, 0) == 0);
    CHECK(refuses(theirs / "b/file", theirs));
    CHECK(check_folders_above(theirs / "b/file", kSomebody));
    std::filesystem::create_directories(folder / "mine");
    std::filesystem::create_symlink("mine", link);
    REQUIRE(lchown(link.c_str(), kSomebody, 0) == 0);
    CHECK(refuses(link / "file", link));
    CHECK(refuses(link, link));
}

TEST_CASE("a group that is the user's alone may write, another may not (needs root)") {
    if (geteuid() != 0) return;
    TempFolder folder;
    const auto a = folder / "a";
    std::filesystem::create_directories(a);
    REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
    REQUIRE(chown(a.c_str(), kSomebody, kSomebody) == 0);
    REQUIRE(chmod(a.c_str(), 0775) == 0);
    const auto checked_in_group = [&](gid_t group) {
        return in_child([&] {
            if (setgid(group) != 0 || setuid(kSomebody) != 0) return 2;
            return check_folders_above(a / "file") ? 0 : 1;
        });
    };
    CHECK(checked_in_group(kSomebody) == 0);
    CHECK(checked_in_group(kSomebody + 1) == 1);
    REQUIRE(chown(a.c_str(), kSomebody, kSomebody + 1) == 0);
    CHECK(checked_in_group(kSomebody) == 1);
}
