// SPDX-License-Identifier: Apache-2.0
//
// The watcher: coffer-watch.service may touch a file so that inotify fires for it, and nobody else may. It
// reads nothing and changes nothing.
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "support/inotify_client.h"
#include "support/mounted_store.h"
#include "support/private_mounts.h"
#include "support/test_unit.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";
constexpr const char* kUnit = "coffer-watch.service";

// As `coffer watch --touch` does it.
Outcome touch(const std::filesystem::path& path) {
    int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    struct stat status {};
    if (fd < 0 || fstat(fd, &status) != 0 || ftruncate(fd, status.st_size) != 0) return failed();
    return close(fd) == 0 ? Outcome{} : failed();
}

Outcome set_time(const std::filesystem::path& path) {
    const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
    return errno_of([&] { return utimensat(AT_FDCWD, path.c_str(), times, 0); });
}

// Policy: Alice alone. No rule names the watcher.
struct Rotated {
    Rotated() : unit(kUnit), mounted(allow(kAlice, "acme/checkout/**")) {
        REQUIRE(unit.made());
        mounted.set(kKey, "first");
        mounted.start();
    }
    TestUnit unit;
    MountedStore mounted;
};

}  // namespace

TEST_CASE("who watches a file or its folder with inotify sees what the watcher touches") {
    Rotated test;
    const auto key = test.mounted.path(kKey);
    InotifyClient alice(kAlice, {key, key.parent_path()}, IN_MODIFY | IN_CLOSE_WRITE);
    test.mounted.set(kKey, "the second value");
    REQUIRE(soon([&] { return read_as(kAlice, key).text == "the second value"; }));
    CHECK(in_unit(test.unit, kRoot, [&] { return touch(key); }) == Outcome{});
    CHECK(alice.sees("1:MODIFY"));
    CHECK(alice.sees("1:CLOSE_WRITE"));
    CHECK(alice.sees("2:MODIFY(KEY)"));
    CHECK(alice.sees("2:CLOSE_WRITE(KEY)"));
    INFO(alice.seen());
    CHECK(in_unit(test.unit, kRoot, [&] { return set_time(key); }) == Outcome{});
    CHECK(read_as(kAlice, key).text == "the second value");
    test.mounted.stop();
}

TEST_CASE("what the watcher is told of a file is the truth, whatever time it wanted to set") {
    Rotated test;
    const auto key = test.mounted.path(kKey);
    auto outcome = in_unit(test.unit, kRoot, [&] {
        struct stat before {
        }, after{};
        if (stat(key.c_str(), &before) != 0) return failed();
        if (auto set = set_time(key); !set.good()) return set;
        if (stat(key.c_str(), &after) != 0) return failed();
        return Outcome{0, concat(after.st_size, ' ', (after.st_mtime == before.st_mtime ? "same" : "other"))};
    });
    CHECK(outcome.text == "5 same");
    test.mounted.stop();
}

TEST_CASE("the watcher gets no value in any way") {
    Rotated test;
    const auto key = test.mounted.path(kKey);
    auto answer = [&](const char* what, int wanted, auto call) {
        INFO(what);
        CHECK(in_unit(test.unit, kRoot, [&] { return errno_of(call); }).error == wanted);
    };
    answer("read", ENOENT, [&] { return open(key.c_str(), O_RDONLY); });
    answer("read and write", ENOENT, [&] { return open(key.c_str(), O_RDWR); });
    answer("open and truncate", ENOENT, [&] { return open(key.c_str(), O_WRONLY | O_TRUNC); });
    answer("append", ENOENT, [&] { return open(key.c_str(), O_WRONLY | O_APPEND); });
    auto with_handle = [&](auto call) {
        return [&key, call]() -> long {
            int fd = open(key.c_str(), O_WRONLY);
            if (fd < 0) return -1;
            return call(fd);
        };
    };
    char byte = 0;
    answer("read through its handle", EBADF, with_handle([&](int fd) { return read(fd, &byte, 1); }));
    answer("map its handle", EACCES, with_handle([](int fd) -> long {
               return mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0;
           }));
    answer("open its handle again", ENOENT,
           with_handle([](int fd) { return open(concat("/proc/self/fd/", fd).c_str(), O_RDONLY); }));
    CHECK(test.mounted.audit_lines({"\"decision\":\"allow\""}) == 0);
    test.mounted.stop();
}

TEST_CASE("the watcher changes nothing") {
    Rotated test;
    const auto key = test.mounted.path(kKey);
    auto refused = [&](const char* what, auto call) {
        INFO(what);
        CHECK(in_unit(test.unit, kRoot, [&] { return errno_of(call); }).error == EROFS);
    };
    auto with_handle = [&](auto call) {
        return [&key, call]() -> long {
            int fd = open(key.c_str(), O_WRONLY);
            if (fd < 0) return -1;
            return call(fd);
        };
    };
    refused("write", with_handle([](int fd) { return write(fd, "x", 1); }));
    refused("cut to another size", with_handle([](int fd) { return ftruncate(fd, 4); }));
    refused("cut to nothing", with_handle([](int fd) { return ftruncate(fd, 0); }));
    refused("make longer", with_handle([](int fd) { return ftruncate(fd, 6); }));
    refused("allocate", with_handle([](int fd) { return fallocate(fd, 0, 0, 6); }));
    refused("truncate by name", [&] { return truncate(key.c_str(), 4); });
    refused("chmod", [&] { return chmod(key.c_str(), 0600); });
    refused("chown", [&] { return chown(key.c_str(), 1, 1); });
    refused("both times", [&] {
        const timespec times[2] = {{1, 0}, {1, 0}};
        return utimensat(AT_FDCWD, key.c_str(), times, 0);
    });
    refused("the time of a folder", [&] {
        const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
        return utimensat(AT_FDCWD, key.parent_path().c_str(), times, 0);
    });
    refused("an attribute", [&] { return setxattr(key.c_str(), "user.x", "1", 1, 0); });
    refused("remove", [&] { return unlink(key.c_str()); });
    CHECK(read_as(kAlice, key).text == "first");
    test.mounted.stop();
}

TEST_CASE("nobody else touches anything: not root, not another unit, not a user in the unit") {
    Rotated test;
    TestUnit other("other.service"), nested("other.service/coffer-watch.service");
    const auto key = test.mounted.path(kKey);
    auto both = [&] { return Outcome{0, concat(touch(key).error, ' ', set_time(key).error)}; };
    CHECK(as(kRoot, both).text == concat(ENOENT, ' ', ENOENT));
    CHECK(as(kBob, both).text == concat(ENOENT, ' ', ENOENT));
    CHECK(in_unit(other, kRoot, both).text == concat(ENOENT, ' ', ENOENT));
    CHECK(in_unit(nested, kRoot, both).text == concat(ENOENT, ' ', ENOENT));
    CHECK(in_unit(test.unit, kBob, both).text == concat(ENOENT, ' ', ENOENT));
    // Who may read it is told that it is read-only.
    CHECK(as(kAlice, both).text == concat(EROFS, ' ', EROFS));
    CHECK(in_unit(test.unit, kAlice, both).text == concat(EROFS, ' ', EROFS));
    test.mounted.stop();
}

TEST_CASE("the user coffer-watch is the watcher too, in the unit alone") {
    // A user of that name on this machine, for this process and its children.
    const Who watcher{60020, 60020};
    TempFolder folder;
    const std::string accounts = folder / "passwd";
    std::ofstream(accounts) << file_text("/etc/passwd")
                            << "coffer-watch:x:60020:60020::/:/usr/sbin/nologin\n";
    PrivateMounts mounts;
    PrivateMounts::mount(accounts.c_str(), "/etc/passwd", nullptr, MS_BIND, nullptr);
    Rotated test;
    const auto key = test.mounted.path(kKey);
    CHECK(in_unit(test.unit, watcher, [&] { return touch(key); }) == Outcome{});
    CHECK(in_unit(test.unit, watcher, [&] { return read_path(key); }).error == ENOENT);
    CHECK(as(watcher, [&] { return touch(key); }).error == ENOENT);
    CHECK(in_unit(test.unit, kBob, [&] { return touch(key); }).error == ENOENT);
    test.mounted.stop();
}

TEST_CASE("a handle of the watcher is of no use to who leaves the unit, or is handed it") {
    Rotated test;
    TestUnit other("other.service");
    const auto key = test.mounted.path(kKey);
    auto outcome = as(kRoot, [&] {
        if (!test.unit.add(getpid())) return failed();
        int fd = open(key.c_str(), O_WRONLY | O_CLOEXEC);
        if (fd < 0) return failed();
        std::string text = concat(ftruncate(fd, 5) == 0 ? 0 : errno);
        if (!other.add(getpid())) return failed();
        text += concat(' ', ftruncate(fd, 5) == 0 ? 0 : errno);
        text += concat(' ', write(fd, "x", 1) < 0 ? errno : 0);
        return Outcome{0, text};
    });
    CHECK(outcome.text == concat(0, ' ', ENOENT, ' ', ENOENT));
    test.mounted.stop();
}

TEST_CASE("the watcher finds every name and lists none") {
    Rotated test;
    auto outcome = in_unit(test.unit, kRoot, [&] {
        struct stat status {};
        if (stat(test.mounted.path(kKey).c_str(), &status) != 0) return failed();
        std::error_code error;
        std::size_t names = 0;
        for (const auto& entry : std::filesystem::directory_iterator(test.mounted.path("acme"), error))
            names += entry.path().empty() ? 0 : 1;
        return Outcome{
            0, concat(status.st_size, ' ', names, ' ',
                      getxattr(test.mounted.path(kKey).c_str(), "security.capability", nullptr, 0) < 0 ? errno
                                                                                                       : 0)};
    });
    CHECK(outcome.text == concat(5, ' ', 0, ' ', ENODATA));
    test.mounted.stop();
}
