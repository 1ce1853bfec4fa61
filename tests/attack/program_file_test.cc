// SPDX-License-Identifier: Apache-2.0
//
// Games with the file of an allowed program: copies, links, mounts over its path, removal, and code that is
// loaded into it.
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "explained.h"
#include "support/test_unit.h"

using namespace coffer;
using namespace coffer::test;
namespace files = std::filesystem;

namespace {

// A folder with the allowed program, a copy of cat, in a place that every user can reach.
struct Programs {
    explicit Programs(MountedStore& of) : mounted(of), folder(of.made.folder / "programs") {
        files::create_directory(folder);
        files::permissions(folder, files::perms(0755));
        files::copy_file("/bin/cat", allowed());
        mounted.write_policy(alice_alone(concat("exe = \"", allowed().string(), '"')));
        start_attacked(mounted);
    }
    [[nodiscard]] files::path allowed() const { return folder / "tool"; }
    [[nodiscard]] files::path other() const { return folder / "other"; }
    MountedStore& mounted;
    files::path folder;
};

bool quiet() {
    const int none = open("/dev/null", O_RDWR);
    return dup2(none, 0) == 0 && dup2(none, 2) == 2;
}

Attack run(const Who& who, const files::path& program, const Programs& programs) {
    return attack_by(who, {program, programs.mounted.path(kKey)}, quiet);
}

// Removes or replaces a program once it runs, and only then lets it go on to its second file.
template <class Change>
pid_t change_when_running(const files::path& fifo, Change change) {
    REQUIRE(mkfifo(fifo.c_str(), 0666) == 0);
    files::permissions(fifo, files::perms(0666));
    const pid_t child = fork();
    if (child != 0) return child;
    const int end = open(fifo.c_str(), O_WRONLY);  // until the program reads there
    change();
    close(end);
    _exit(0);
}

// In a mount namespace of this process: `over` shows what `program` is.
bool mount_over(const files::path& program, const files::path& over) {
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           mount(program.c_str(), over.c_str(), nullptr, MS_BIND, nullptr) == 0;
}

}  // namespace

TEST_CASE("a copy, a hard link and a bind mount of the allowed program elsewhere are other programs") {
    MountedStore mounted("");
    Programs programs(mounted);
    CHECK(run(kAlice, programs.allowed(), programs).seen.text == kValue);
    files::copy_file(programs.allowed(), programs.other());
    check_foiled(mounted, run(kAlice, programs.other(), programs), 0, "lookup");
    files::remove(programs.other());
    files::create_hard_link(programs.allowed(), programs.other());
    check_foiled(mounted, run(kAlice, programs.other(), programs), 0, "lookup");
    files::remove(programs.other());
    std::ofstream(programs.other()) << "a mount point";
    REQUIRE(mount(programs.allowed().c_str(), programs.other().c_str(), nullptr, MS_BIND, nullptr) == 0);
    Attack bound = run(kAlice, programs.other(), programs);
    REQUIRE(umount2(programs.other().c_str(), MNT_DETACH) == 0);
    check_foiled(mounted, bound, 0, "lookup");
    end(mounted);
}

TEST_CASE("a symbolic link to the allowed program is that program, to whom the rule names alone") {
    MountedStore mounted("");
    Programs programs(mounted);
    files::create_symlink(programs.allowed(), programs.other());
    CHECK(run(kAlice, programs.other(), programs).seen.text == kValue);
    check_foiled(mounted, run(kBob, programs.other(), programs), 0, "lookup");
    // The way around: a link in the named place to another program.
    files::remove(programs.other());
    files::rename(programs.allowed(), programs.other());
    files::create_symlink(programs.other(), programs.allowed());
    check_foiled(mounted, run(kAlice, programs.allowed(), programs), 0, "lookup");
    end(mounted);
}

TEST_CASE("another program mounted over the allowed path in a namespace of the caller's does not match") {
    MountedStore mounted("");
    Programs programs(mounted);
    files::copy_file(programs.allowed(), programs.other());
    for (const Who& who : {kAlice, kBob}) {
        Attack attack = attack_by(who, {programs.allowed(), mounted.path(kKey)}, [&] {
            return quiet() && mount_over(programs.other(), programs.allowed());
        });
        check_foiled(mounted, attack, 0, "lookup");  // under the path that it pretends
    }
    end(mounted);
}

namespace {

// The program is opened in such a namespace by a child and handed to this process, which has not left the
// first.
bool take_from_namespace(const Programs& programs, int number) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return false;
    const pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ends[1], 3);
        close_range(4, ~0U, 0);  // or the client's pipe would never end
        int fd = mount_over(programs.other(), programs.allowed())
                     ? open(programs.allowed().c_str(), O_PATH | O_CLOEXEC)
                     : -1;
        prctl(PR_SET_DUMPABLE, 1);  // so that /proc/PID/fd opens for its own user
        if (write(3, &fd, sizeof fd) != sizeof fd) _exit(1);
        for (;;) pause();
    }
    int fd = -1;
    if (read(ends[0], &fd, sizeof fd) != sizeof fd || fd < 0) return false;
    return dup2(open(concat("/proc/", child, "/fd/", fd).c_str(), O_PATH), number) == number;
}

}  // namespace

TEST_CASE(
    "a program taken out of a mount namespace where it has the allowed path gives another user nothing") {
    MountedStore mounted("");
    Programs programs(mounted);
    files::copy_file(programs.allowed(), programs.other());
    Attack attack;
    attack.seen = run_as(
        kBob, {"/proc/self/fd/50", mounted.path(kKey)},
        [&] { return take_from_namespace(programs, 50) && quiet(); }, &attack.tgid);
    attack.tid = attack.tgid;
    attack.uid = kBob.uid;
    attack.exe = programs.allowed();  // forged
    check_foiled(mounted, attack, 0, "lookup");
    end(mounted);
}

TEST_CASE("known limit: such a program is served to the same user") {
    MountedStore mounted("");
    Programs programs(mounted);
    files::copy_file(programs.allowed(), programs.other());
    CHECK(run_as(kAlice, {"/proc/self/fd/50", mounted.path(kKey)}, [&] {
              return take_from_namespace(programs, 50) && quiet();
          }) == Outcome{0, std::string(kValue)});
    end(mounted);
}

TEST_CASE("a program that was removed or replaced while it runs does not match") {
    MountedStore mounted("");
    Programs programs(mounted);
    const files::path fifo = programs.folder / "fifo";
    const bool replace = GENERATE(false, true);
    if (replace) files::copy_file(programs.allowed(), programs.other());
    const pid_t changer = change_when_running(fifo, [&] {
        if (replace)
            rename(programs.other().c_str(), programs.allowed().c_str());
        else
            unlink(programs.allowed().c_str());
    });
    Attack attack;
    attack.seen = run_as(kAlice, {programs.allowed(), fifo, mounted.path(kKey)}, quiet, &attack.tgid);
    attack.tid = attack.tgid;
    attack.uid = kAlice.uid;
    attack.exe = programs.allowed().string() + " (deleted)";
    kill(changer, SIGKILL);
    waitpid(changer, nullptr, 0);
    check_foiled(mounted, attack, 0, "lookup");
    end(mounted);
}

namespace {

// Alice's or another user's own code in the allowed program.
bool load_into_program(const MountedStore& mounted) {
    return quiet() && setenv("LD_PRELOAD", (mounted.made.folder / "preload.so").c_str(), 1) == 0 &&
           setenv("COFFER_ATTACK_PATH", mounted.path(kKey).c_str(), 1) == 0;
}

}  // namespace

TEST_CASE("code loaded into the allowed program by another user gets nothing") {
    MountedStore mounted("");
    Programs programs(mounted);
    files::copy_file(ATTACK_PRELOAD, mounted.made.folder / "preload.so");
    Attack attack =
        attack_by(kBob, {programs.allowed(), "/dev/null"}, [&] { return load_into_program(mounted); });
    check_foiled(mounted, attack, 0, "lookup");
    end(mounted);
}

TEST_CASE("code loaded into the allowed program gets nothing outside of the unit that the rule names") {
    TestUnit unit("checkout.service"), other("other.service");
    if (!unit.made()) return leave_out("no cgroup can be made here");
    MountedStore mounted("");
    Programs programs(mounted);
    mounted.write_policy(
        alice_alone(concat("unit = \"checkout.service\"\nexe = \"", programs.allowed().string(), '"')));
    CHECK(soon([&] { return !run(kAlice, programs.allowed(), programs).seen.text.starts_with(kValue); }));
    files::copy_file(ATTACK_PRELOAD, mounted.made.folder / "preload.so");
    Attack attack = attack_by(kRoot, {programs.allowed(), "/dev/null"}, [&] {
        return other.add(getpid()) && become(kAlice) && load_into_program(mounted);
    });
    attack.uid = kAlice.uid;
    check_foiled(mounted, attack, 0, "lookup");
    end(mounted);
}

TEST_CASE("known limit: code loaded into the allowed program by the same user is served") {
    MountedStore mounted("");
    Programs programs(mounted);
    files::copy_file(ATTACK_PRELOAD, mounted.made.folder / "preload.so");
    CHECK(run_as(kAlice, {programs.allowed(), "/dev/null"}, [&] {
              return load_into_program(mounted);
          }).text == kValue);
    end(mounted);
}
