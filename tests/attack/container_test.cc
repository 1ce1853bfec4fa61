// SPDX-License-Identifier: Apache-2.0
//
// The mount seen from somewhere else: a chroot, another mount namespace, a container with users of its own,
// an overlay, a daemon in a pid namespace. Callers are matched by the host's numbers, wherever they are.
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>

#include "explained.h"
#include "support/in_child.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;
namespace files = std::filesystem;

namespace {

// A mount namespace whose mounts are nobody else's.
bool apart() {
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

bool write_text(const char* path, const std::string& text) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    const bool good = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    close(fd);
    return good;
}

bool enter(pid_t process, const char* which, int kind) {
    const int fd = open(concat("/proc/", process, "/ns/", which).c_str(), O_RDONLY | O_CLOEXEC);
    const bool good = setns(fd, kind) == 0;
    close(fd);
    return good;
}

// The body in a child of this client, whose host-side number becomes the attacker's.
template <class Body>
Outcome in_grandchild(Body body) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return failed();
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        report(ends[1], body());
    }
    close(ends[1]);
    Outcome out = collect(ends[0], child);
    out.text = concat(child, ' ', out.text);
    return out;
}

// attack_as() for a body that ends with in_grandchild().
template <class Body>
Attack attack_inside(const Who& who, Body body) {
    Attack attack = attack_as(who, body);
    const auto space = attack.seen.text.find(' ');
    REQUIRE(space != std::string::npos);
    attack.tid = attack.tgid = std::stoi(attack.seen.text);
    attack.seen.text.erase(0, space + 1);
    return attack;
}

}  // namespace

TEST_CASE("a bind mount and a chroot change nothing about who may read") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const files::path jail = mounted.made.folder / "jail";
    files::create_directory(jail);
    files::permissions(jail, files::perms(0755));
    auto from_jail = [&](const Who& who) {
        Attack attack = attack_as(kRoot, [&] {
            if (!apart() || mount(mounted.mount().c_str(), jail.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
                chroot(jail.c_str()) != 0 || chdir("/") != 0 || !become(who))
                return failed(ENOMSG);
            return read_path(files::path("/") / kKey);
        });
        attack.uid = who.uid;
        return attack;
    };
    check_foiled(mounted, from_jail(kBob), ENOENT, "lookup");
    check_foiled(mounted, from_jail(kRoot), ENOENT, "lookup");
    CHECK(from_jail(kAlice).seen.text == kValue);
    end(mounted);
}

TEST_CASE("the way through /proc/PID/root of an allowed process leads nowhere") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Puppet alice({[&] { return open_as(kAlice, mounted.path(kKey)); }});
    REQUIRE(alice.act(0) >= 0);
    const std::string way = concat("/proc/", alice.pid(), "/root", mounted.path(kKey).string());
    check_foiled(mounted, attack_as(kRoot, [&] { return read_path(way); }), ENOENT, "lookup");
    CHECK(read_as(kBob, way).error == EACCES);  // by the kernel, with no request
    alice.kill();
    end(mounted);
}

TEST_CASE("a container whose user calls itself Alice or root is its host-side user") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    for (const Who& claimed : {kAlice, kRoot}) {
        Attack attack = attack_inside(kBob, [&] {
            if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) != 0) return failed(ENOMSG);
            prctl(PR_SET_DUMPABLE, 1);  // or its files in /proc were root's
            if (!write_text("/proc/self/setgroups", "deny") ||
                !write_text("/proc/self/uid_map", concat(claimed.uid, ' ', kBob.uid, " 1")) ||
                !write_text("/proc/self/gid_map", concat(claimed.gid, ' ', kBob.gid, " 1")))
                return failed(ENOMSG);
            return in_grandchild([&] {
                if (getuid() != claimed.uid || getpid() != 1) return failed(ENOMSG);
                return read_path(mounted.path(kKey));
            });
        });
        check_foiled(mounted, attack, ENOENT, "lookup");
    }
    end(mounted);
}

TEST_CASE("Alice in a container of her own is still Alice") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    CHECK(as(kAlice, [&] {
              if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID) != 0) return failed(ENOMSG);
              return read_path(mounted.path(kKey));
          }).text == kValue);
    end(mounted);
}

// The kernel then opens under the ids of who has made the overlay, in the thread of who uses it.
TEST_CASE("an overlay that an allowed user has put over the mount lends its rights to nobody") {
    MountedStore mounted(allow(kRoot, kKey, "mode = \"0444\"") + alice_alone());
    start_attacked(mounted);
    const files::path merged = mounted.made.folder / "merged", empty = mounted.made.folder / "empty";
    for (const auto& folder : {merged, empty}) {
        files::create_directory(folder);
        files::permissions(folder, files::perms(0755));
    }
    const std::string options = concat("lowerdir=", mounted.mount().string(), ':', empty.string());
    Puppet maker({[&] {
                      if (!apart()) return errno;
                      return mount("overlay", merged.c_str(), "overlay", MS_RDONLY, options.c_str()) == 0
                                 ? 0
                                 : errno;
                  },
                  [&] { return read_path(merged / kKey).text == kValue ? 0 : 1; },
                  [&] { return open((merged / kKey).c_str(), O_PATH | O_CLOEXEC); }});
    if (const int error = maker.act(0); error != 0) {
        leave_out(concat("no overlay can be made here: ", std::strerror(error)));
        return;
    }
    CHECK(maker.act(1) == 0);  // who has made it may read
    // Bob has got past the directories, which the overlay would not let him.
    const int held = take_descriptor(maker.pid(), maker.act(2));
    REQUIRE(held >= 0);
    const std::string link = concat("/proc/self/fd/", held);
    Attack attack = attack_as(kBob, [&] { return read_path(link); });
    INFO(mounted.audit());
    CHECK(attack.seen == Outcome{ENOENT, {}});
    // On record as what the thread is, not as whom the request claims.
    CHECK(count_records(mounted.audit(), [&](const AuditRecord& one) {
              return one.decision == "deny" && one.operation == "open" && one.path == kKey &&
                     one.tid == attack.tid && one.tgid == attack.tid && one.uid == kBob.uid &&
                     one.reason.find(concat("has uid ", kBob.uid)) != std::string::npos;
          }) == 1);
    close(held);
    maker.kill();
    end(mounted);
}

TEST_CASE("a caller from outside the daemon's pid namespace is refused and on record") {
    MountedStore mounted(alice_alone());
    mounted.namespaces = CLONE_NEWPID | CLONE_NEWNS;
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    // Inside, so that the daemon is seen to serve, and the directories are known to the kernel.
    const Outcome inside = as(kRoot, [&] {
        if (!enter(mounted.daemon(), "pid", CLONE_NEWPID) || !enter(mounted.daemon(), "mnt", CLONE_NEWNS))
            return failed(ENOMSG);
        return in_grandchild([&] { return become(kAlice) ? read_path(key) : failed(); });
    });
    CHECK(inside.error == 0);
    CHECK(inside.text.ends_with(kValue));
    for (const Who& who : {kAlice, kBob}) {
        const Outcome outside = as(kRoot, [&] {
            if (!enter(mounted.daemon(), "mnt", CLONE_NEWNS) || !become(who)) return failed(ENOMSG);
            return read_path(key);
        });
        CHECK(outside == Outcome{ENOENT, {}});
        // There is no number to be had: the record has the user that the kernel names.
        CHECK(count_records(mounted.audit(), [&](const AuditRecord& one) {
                  return one.decision == "deny" && one.operation == "lookup" && one.path == kKey &&
                         one.tid == 0 && one.uid == who.uid &&
                         one.reason.find("outside this pid namespace") != std::string::npos;
              }) == 1);
    }
    end(mounted);
}
