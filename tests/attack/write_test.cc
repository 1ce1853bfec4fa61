// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/xattr.h>
#include <utime.h>

#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

// Each thing that would write, tried on `key` and beside it; every answer must be `wanted`.
void check_refused(const Who& who, const std::filesystem::path& key, int wanted) {
    const std::string at = key, beside = key.parent_path() / "NEW", other = key.parent_path() / "OTHER";
    auto answer = [&](const char* what, auto call) {
        INFO(what);
        CHECK(as(who, [&] { return errno_of(call); }).error == wanted);
    };
    answer("open for writing", [&] { return open(at.c_str(), O_WRONLY); });
    answer("open for both", [&] { return open(at.c_str(), O_RDWR); });
    answer("open and truncate", [&] { return open(at.c_str(), O_RDONLY | O_TRUNC); });
    answer("create", [&] { return open(beside.c_str(), O_RDWR | O_CREAT, 0600); });
    answer("create for reading", [&] { return open(beside.c_str(), O_RDONLY | O_CREAT, 0600); });
    answer("mknod", [&] { return mknod(beside.c_str(), S_IFREG | 0600, 0); });
    answer("mkfifo", [&] { return mkfifo(beside.c_str(), 0600); });
    answer("mkdir", [&] { return mkdir(beside.c_str(), 0700); });
    answer("symlink", [&] { return symlink("/etc/passwd", beside.c_str()); });
    answer("link", [&] { return link(at.c_str(), beside.c_str()); });
    answer("rename", [&] { return rename(at.c_str(), other.c_str()); });
    answer("unlink", [&] { return unlink(at.c_str()); });
    answer("rmdir", [&] { return rmdir(key.parent_path().c_str()); });
    answer("truncate", [&] { return truncate(at.c_str(), 0); });
    answer("chmod", [&] { return chmod(at.c_str(), 0777); });
    answer("chown", [&] { return chown(at.c_str(), who.uid, who.gid); });
    answer("utime", [&] { return utime(at.c_str(), nullptr); });
    answer("chmod of a directory", [&] { return chmod(key.parent_path().c_str(), 0777); });
    answer("setxattr", [&] { return setxattr(at.c_str(), "user.x", "1", 1, 0); });
    answer("removexattr", [&] { return removexattr(at.c_str(), "user.coffer.scope"); });
    answer("access for writing", [&] { return access(at.c_str(), W_OK); });
}

}  // namespace

TEST_CASE("everything that writes is refused as on a read-only file system") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "still here");
    mounted.start();
    check_refused(kAlice, mounted.path(kKey), EROFS);
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "still here");
    mounted.stop();
}

TEST_CASE("to a caller who may not see it, what writes finds nothing") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    check_refused(kBob, mounted.path(kKey), ENOENT);
    mounted.stop();
}

TEST_CASE("an open file takes no writes") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    auto on_open = [&](auto call) {
        return as(kAlice,
                  [&] {
                      int fd = open(mounted.path(kKey).c_str(), O_RDONLY);
                      if (fd < 0) return failed();
                      return errno_of([&] { return call(fd); });
                  })
            .error;
    };
    CHECK(on_open([](int fd) { return write(fd, "y", 1); }) == EBADF);
    CHECK(on_open([](int fd) { return ftruncate(fd, 0); }) == EINVAL);
    CHECK(on_open([](int fd) { return fchmod(fd, 0777); }) == EROFS);
    mounted.stop();
}

TEST_CASE("a hidden secret cannot be told from one that does not exist") {
    MountedStore mounted(allow(kAlice, "acme/checkout/production/MINE") + allow(kBob, "acme/**"));
    mounted.set("acme/checkout/production/MINE", "1");
    mounted.set("acme/checkout/production/HIDDEN", "2");
    mounted.start();
    const auto folder = mounted.path("acme/checkout/production");
    CHECK(read_as(kBob, folder / "HIDDEN").text == "2");  // the kernel has seen the name
    auto same = [&](const char* what, auto call) {
        INFO(what);
        auto on = [&](std::string_view name) {
            const std::string path = folder / name;
            return as(kAlice, [&] { return errno_of([&] { return call(path.c_str()); }); }).error;
        };
        CHECK(on("HIDDEN") == on("NEVER"));
    };
    struct stat status {};
    char buffer[64];
    same("open", [](const char* path) { return open(path, O_RDONLY); });
    same("create", [](const char* path) { return open(path, O_RDWR | O_CREAT, 0600); });
    same("create exclusively", [](const char* path) { return open(path, O_RDWR | O_CREAT | O_EXCL, 0600); });
    same("O_PATH", [](const char* path) { return open(path, O_PATH); });
    same("stat", [&](const char* path) { return stat(path, &status); });
    same("statx without a request", [](const char* path) {
        struct statx out {};
        return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_ALL, &out);
    });
    same("access", [](const char* path) { return access(path, F_OK); });
    same("readlink", [&](const char* path) { return readlink(path, buffer, sizeof buffer); });
    same("getxattr", [&](const char* path) { return getxattr(path, "user.coffer.scope", buffer, 64); });
    same("listxattr", [&](const char* path) { return listxattr(path, buffer, 64); });
    same("mkdir", [](const char* path) { return mkdir(path, 0700); });
    same("mknod", [](const char* path) { return mknod(path, S_IFREG | 0600, 0); });
    same("symlink", [](const char* path) { return symlink("x", path); });
    same("unlink", [](const char* path) { return unlink(path); });
    same("rmdir", [](const char* path) { return rmdir(path); });
    same("truncate", [](const char* path) { return truncate(path, 0); });
    same("chmod", [](const char* path) { return chmod(path, 0600); });
    same("rename away", [](const char* path) { return rename(path, (std::string(path) + "x").c_str()); });
    mounted.stop();
}

TEST_CASE("extended attributes tell of the secret to those who may read it") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "one");
    mounted.set(kKey, "two");
    mounted.set("acme/checkout/*/WIDE", "x", Visibility::restricted, 4102444800000);  // 2100-01-01
    mounted.start();
    auto attribute = [&](const Who& who, std::string_view below, const char* name) {
        return as(who, [&] {
            char value[256];
            ssize_t size = getxattr(mounted.path(below).c_str(), name, value, sizeof value);
            if (size < 0) return failed();
            return Outcome{0, std::string(value, static_cast<std::size_t>(size))};
        });
    };
    CHECK(attribute(kAlice, kKey, "user.coffer.scope").text == "acme/checkout/production");
    CHECK(attribute(kAlice, kKey, "user.coffer.version").text == "2");
    CHECK(attribute(kAlice, kKey, "user.coffer.visibility").text == "masked");
    CHECK(attribute(kAlice, kKey, "user.coffer.expires").text == "never");
    CHECK(attribute(kAlice, kKey, "user.coffer.writer").text == "owner");
    CHECK(attribute(kAlice, kKey, "user.coffer.other").error == ENODATA);
    CHECK(attribute(kAlice, "acme/checkout/production/WIDE", "user.coffer.scope").text == "acme/checkout/*");
    CHECK(attribute(kAlice, "acme/checkout/production/WIDE", "user.coffer.visibility").text == "restricted");
    CHECK(attribute(kAlice, "acme/checkout/production/WIDE", "user.coffer.expires").text ==
          "2100-01-01T00:00:00Z");
    CHECK(attribute(kAlice, "acme/checkout", "user.coffer.scope").error == ENODATA);
    CHECK(attribute(kBob, kKey, "user.coffer.scope").error == ENOENT);
    Outcome names = as(kAlice, [&] {
        char list[512];
        ssize_t size = listxattr(mounted.path(kKey).c_str(), list, sizeof list);
        return Outcome{0, std::string(list, size > 0 ? static_cast<std::size_t>(size) : 0)};
    });
    using namespace std::string_literals;
    CHECK((names.text == "user.coffer.scope\0user.coffer.version\0user.coffer.visibility\0"
                         "user.coffer.expires\0user.coffer.writer\0"s));
    CHECK(as(kAlice, [&] {
              char small[4];
              return errno_of(
                  [&] { return getxattr(mounted.path(kKey).c_str(), "user.coffer.scope", small, 4); });
          }).error == ERANGE);
    mounted.stop();
}
