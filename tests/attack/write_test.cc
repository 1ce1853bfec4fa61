// SPDX-License-Identifier: Apache-2.0
//
// Whatever would change the file system: refused, or without effect.
#include <linux/fs.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <utime.h>

#include "explained.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

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
    answer("rename to and fro",
           [&] { return renameat2(-1, at.c_str(), -1, other.c_str(), RENAME_NOREPLACE); });
    answer("lchown", [&] { return lchown(at.c_str(), who.uid, who.gid); });
    const timespec times[2] = {{0, 0}, {0, 0}};
    answer("utimensat", [&] { return utimensat(AT_FDCWD, at.c_str(), times, 0); });
    answer("utimensat of a directory", [&] { return utimensat(-1, key.parent_path().c_str(), times, 0); });
    answer("setxattr of a directory",
           [&] { return setxattr(key.parent_path().c_str(), "user.x", "1", 1, 0); });
}

}  // namespace

TEST_CASE("everything that writes is refused as on a read-only file system") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "still here");
    mounted.start();
    check_refused(kAlice, mounted.path(kKey), EROFS);
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "still here");
    end(mounted);
}

TEST_CASE("to a caller who may not see it, what writes finds nothing") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    check_refused(kBob, mounted.path(kKey), ENOENT);
    end(mounted);
}

namespace {

// What cannot be changed through the open file of a caller who may read it.
struct WriteCall {
    const char* name;
    int wanted;  // errno
    long (*call)(int fd);
};
const WriteCall kWriteCalls[] = {
    {"write", EBADF, [](int fd) { return static_cast<long>(write(fd, "y", 1)); }},
    {"pwrite", EBADF, [](int fd) { return static_cast<long>(pwrite(fd, "y", 1, 0)); }},
    {"ftruncate", EINVAL, [](int fd) { return long{ftruncate(fd, 0)}; }},
    {"fallocate", EBADF, [](int fd) { return long{fallocate(fd, 0, 0, 4096)}; }},
    {"a hole", EBADF,
     [](int fd) { return long{fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)}; }},
    {"fchmod", EROFS, [](int fd) { return long{fchmod(fd, 0777)}; }},
    {"fchown", EROFS, [](int fd) { return long{fchown(fd, kAlice.uid, kAlice.gid)}; }},
    {"futimens", EROFS,
     [](int fd) {
         const timespec times[2] = {{0, 0}, {0, 0}};
         return long{futimens(fd, times)};
     }},
    {"fsetxattr", EROFS, [](int fd) { return long{fsetxattr(fd, "user.x", "1", 1, 0)}; }},
    {"fremovexattr", EROFS, [](int fd) { return long{fremovexattr(fd, "user.coffer.scope")}; }},
    {"flags by ioctl", ENOTTY,
     [](int fd) {
         int flags = 0;
         return long{ioctl(fd, FS_IOC_GETFLAGS, &flags)};
     }},
    {"a clone by ioctl", EBADF, [](int fd) { return long{ioctl(fd, FICLONE, fd)}; }},
    {"an unknown ioctl", ENOTTY, [](int fd) { return long{ioctl(fd, _IO('c', 77), 0)}; }},
    {"a lock for writing", EBADF,
     [](int fd) {
         struct flock lock {};
         lock.l_type = F_WRLCK;
         return long{fcntl(fd, F_SETLK, &lock)};
     }},
};

}  // namespace

TEST_CASE("an open file takes no changes") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    for (const WriteCall& change : kWriteCalls) {
        INFO(change.name);
        CHECK(as(kAlice, [&] {
                  const int fd = open(key.c_str(), O_RDONLY);
                  return fd < 0 ? failed() : errno_of([&] { return change.call(fd); });
              }).error == change.wanted);
        CHECK(read_as(kAlice, key).text == kValue);
    }
    end(mounted);
}

TEST_CASE("an inheritor changes nothing through a descriptor either") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Puppet alice({[&] { return open_as(kAlice, mounted.path(kKey)); }});
    const int held = take_descriptor(alice.pid(), alice.act(0));
    REQUIRE(held >= 0);
    for (const WriteCall& change : kWriteCalls) {
        INFO(change.name);
        CHECK(as(kBob, [&] { return errno_of([&] { return change.call(held); }); }).error != 0);
    }
    CHECK(as(kAlice, [&] { return read_from_start(held); }).text == kValue);
    close(held);
    end(mounted);
}

TEST_CASE("locks on the file keep nobody from reading it") {
    MountedStore mounted(alice_alone() + allow(kCarol, kKey));
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    Puppet carol({[&] {
        const int fd = open_as(kCarol, key);
        struct flock lock {};
        lock.l_type = F_RDLCK;
        return flock(fd, LOCK_EX) == 0 && fcntl(fd, F_SETLK, &lock) == 0 ? 0 : errno;
    }});
    CHECK(carol.act(0) == 0);  // the kernel's own, which binds who asks for it
    CHECK(read_as(kAlice, key).text == kValue);
    carol.kill();
    end(mounted);
}

// The kernel takes the file for its last looker's own, and asks no file system.
TEST_CASE(
    "known limit: a lease of one allowed user makes others wait, unless the rule presents another owner") {
    const bool owned = GENERATE(true, false);
    MountedStore mounted(allow(kAlice, kKey, owned ? "" : "owner = \"root\"") + allow(kCarol, kKey));
    mounted.set(kKey, kValue);
    mounted.start();
    const auto key = mounted.path(kKey);
    Puppet alice({[&] {
        const int fd = open_as(kAlice, key);
        return fcntl(fd, F_SETLEASE, F_WRLCK) == 0 ? 0 : errno;
    }});
    CHECK(alice.act(0) == (owned ? 0 : EACCES));
    const Outcome carol = as(kCarol, [&] {
        const int fd = open(key.c_str(), O_RDONLY | O_NONBLOCK);  // or it would wait for 45 s
        return fd < 0 ? failed() : read_all(fd);
    });
    CHECK(carol.error == (owned ? EAGAIN : 0));
    alice.kill();
    CHECK(read_as(kCarol, key).text == kValue);
    end(mounted);
}

TEST_CASE("what an unprivileged user mounts over the secrets is seen by that user's namespace alone") {
    MountedStore mounted(alice_alone() + allow(kCarol, kKey));
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    Puppet carol({[&] {
                      if (!become(kCarol) || unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno;
                      return mount("none", key.parent_path().c_str(), "tmpfs", 0, nullptr) == 0 ? 0 : errno;
                  },
                  [&] { return access(key.c_str(), F_OK) == 0 ? 0 : errno; }});
    REQUIRE(carol.act(0) == 0);
    CHECK(carol.act(1) == ENOENT);
    CHECK(read_as(kAlice, key).text == kValue);
    carol.kill();
    end(mounted);
}
