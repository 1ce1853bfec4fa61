// SPDX-License-Identifier: Apache-2.0
//
// The filters of system calls, tried from within: each call is made by a child that has put on the very
// filter of a program. What the running programs have put on is in confined_test.cc.
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <cstdio>
#include <functional>
#include <set>
#include <thread>

#include "confinement/system_call_filter.h"
#include "serve/confinement.h"
#include "support/catch.h"
#include "support/in_child.h"

using namespace coffer;
using coffer::test::in_child;

namespace {

constexpr int kNoFilter = 100, kKilled = -SIGSYS;

// What a cofferd behind coffer-mount has.
int confined(const std::function<int()>& body) {
    return in_child([&] { return confine_before_mount(MountWay::by_holder) ? body() : kNoFilter; });
}
// The errno of a call, 0 when it works.
int error_of(const std::function<long()>& call) {
    return confined([&] { return call() < 0 ? errno : 0; });
}

int number_of(const char* name) {
    return seccomp_syscall_resolve_name(name);
}

constexpr int kHighest = 480;  // past the last that any kernel of today has
// These end the caller or take its stack away, or say ENOSYS of their own; the tests below live by them. The
// two of the kernel's probes it puts into programs itself, and lets them pass every filter (from Linux 6.14
// on).
bool says_nothing(int number) {
    constexpr int kUretprobe = 335, kUprobe = 336;  // of x86-64; nobody else has these numbers
    return number == kUretprobe || number == kUprobe || number == SYS_exit || number == SYS_exit_group ||
           number == SYS_rt_sigreturn || number == SYS_futex;
}
// Decided by their arguments; each has a test below.
const std::set<int> kByArgument = {SYS_clone,      SYS_tgkill, SYS_mprotect, SYS_mmap,   SYS_socket,
                                   SYS_socketpair, SYS_ioctl,  SYS_prctl,    SYS_seccomp};

// With arguments that no call takes: what the filter lets pass, the kernel refuses in its own words.
int fate_of(int number) {
    return confined([&] {
        errno = 0;
        return syscall(number, -1L, -1L, -1L, -1L, -1L, -1L) < 0 && errno == ENOSYS ? 1 : 0;
    });
}

}  // namespace

TEST_CASE("of all system calls those of the lists alone reach the kernel") {
    std::set<int> allowed = {SYS_inotify_add_watch, SYS_inotify_init1, SYS_inotify_rm_watch, SYS_pidfd_open,
                             SYS_sched_setscheduler};
    std::set<int> hostile;
    for (const char* name : kOrdinaryCalls) allowed.insert(number_of(name));
    for (const char* name : kDatabaseCalls) allowed.insert(number_of(name));
    for (const char* name : kHostileCalls) hostile.insert(number_of(name));
    int passed = 0, absent = 0, killed = 0;
    for (int number = 0; number < kHighest; ++number) {
        if (kByArgument.contains(number) || says_nothing(number)) continue;
        CAPTURE(number);
        const int fate = fate_of(number);
        if (allowed.contains(number)) {
            CHECK(fate == 0);
            ++passed;
        } else if (hostile.contains(number)) {
            CHECK(fate == kKilled);
            ++killed;
        } else {
            CHECK(fate == 1);
            ++absent;
        }
    }
    CHECK(killed > 50);
    std::printf(
        "FIGURE: hardening: system calls of cofferd: %d reach the kernel, %zu by their arguments, %d end the"
        " process, %d are not there\n",
        passed, kByArgument.size(), killed, absent);
}

TEST_CASE("what only an attacker calls ends the process") {
    const std::pair<const char*, std::function<long()>> calls[] = {
        {"another program",
         [] { return static_cast<long>(execl("/bin/true", "true", static_cast<char*>(nullptr))); }},
        {"tracing", [] { return ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
        {"another process's memory",
         [] {
             char byte = 0;
             const iovec here{&byte, 1};
             return static_cast<long>(process_vm_readv(getppid(), &here, 1, &here, 1, 0));
         }},
        {"another process's descriptor", [] { return syscall(SYS_pidfd_getfd, 0, 0, 0); }},
        {"mounting", [] { return static_cast<long>(mount("none", "/mnt", "tmpfs", 0, nullptr)); }},
        {"unmounting", [] { return static_cast<long>(umount2("/nowhere", MNT_DETACH)); }},
        {"a namespace", [] { return static_cast<long>(unshare(CLONE_NEWUSER)); }},
        {"a BPF program", [] { return syscall(SYS_bpf, BPF_PROG_LOAD, nullptr, 0); }},
        {"a kernel module", [] { return syscall(SYS_finit_module, -1, "", 0); }},
        {"the kernel's keys", [] { return syscall(SYS_keyctl, 0, 0, 0, 0, 0); }},
        {"io_uring", [] { return syscall(SYS_io_uring_setup, 1, nullptr); }},
        {"another user", [] { return static_cast<long>(setuid(0)); }},
        {"opening by a handle", [] { return syscall(SYS_open_by_handle_at, AT_FDCWD, nullptr, 0); }},
    };
    std::size_t killed = 0;
    for (const auto& [what, call] : calls) {
        CAPTURE(what);
        const int fate = confined([&made = call] { return made() == 0 ? 0 : 1; });
        CHECK(fate == kKilled);
        killed += fate == kKilled ? 1 : 0;
    }
    std::printf("FIGURE: hardening: hostile calls made with real arguments: %zu tried, %zu killed\n",
                std::size(calls), killed);
}

TEST_CASE("what depends on its arguments is allowed for what is needed alone") {
    CHECK(error_of([] { return socket(AF_UNIX, SOCK_STREAM, 0); }) == 0);
    for (int family : {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK, AF_ALG})
        CHECK(error_of([&] { return socket(family, SOCK_RAW, 0); }) == EAFNOSUPPORT);
    const auto map = [](int protection) {
        return error_of([=] {
            void* got = mmap(nullptr, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            return got == MAP_FAILED ? -1L : 0L;
        });
    };
    CHECK(map(PROT_READ | PROT_WRITE) == 0);
    CHECK(map(PROT_READ | PROT_EXEC) == 0);
    CHECK(map(PROT_READ | PROT_WRITE | PROT_EXEC) == ENOSYS);
    CHECK(error_of([] {
              void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return mprotect(page, 4096, PROT_READ | PROT_EXEC);
          }) == ENOSYS);
    CHECK(error_of([] { return fork(); }) == ENOSYS);
    CHECK(error_of([] { return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0); }) == ENOSYS);
    CHECK(error_of([] { return syscall(SYS_tgkill, getppid(), getppid(), 0); }) == ENOSYS);
    CHECK(error_of([] { return syscall(SYS_tgkill, getpid(), gettid(), 0); }) == 0);
    CHECK(error_of([] { return ioctl(0, TIOCSTI, "x"); }) == ENOSYS);
    CHECK(error_of([] { return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }) == ENOSYS);
    CHECK(error_of([] { return prctl(PR_SET_NAME, "worker", 0, 0, 0); }) == 0);
}

TEST_CASE("a filter leaves a program what it is for: threads, files, sockets") {
    CHECK(confined([] {
              int made = 0;
              std::thread thread([&] { made = open("/dev/null", O_RDWR | O_CLOEXEC) >= 0 ? 1 : 0; });
              thread.join();
              return made == 1 ? 0 : 1;
          }) == 0);
}

TEST_CASE("a filter holds for threads that were there before it") {
    CHECK(in_child([] {
              int error = 0;
              int go[2];
              if (pipe(go) != 0) return 1;
              std::thread earlier([&] {
                  char byte = 0;
                  if (read(go[0], &byte, 1) == 1 && socket(AF_INET, SOCK_STREAM, 0) < 0) error = errno;
              });
              if (!confine_before_mount(MountWay::by_holder)) return kNoFilter;
              if (write(go[1], "x", 1) != 1) return 2;
              earlier.join();
              return error == EAFNOSUPPORT ? 0 : 3;
          }) == 0);
}

TEST_CASE("each way of mounting leaves what it needs at its end, and no more") {
    const auto after = [](MountWay way, const std::function<long()>& call) {
        return in_child([&] {
            if (!confine_before_mount(way) || !confine_for_serving(way)) return kNoFilter;
            return call() < 0 ? errno : 0;
        });
    };
    const auto mounts = [] { return static_cast<long>(mount("none", "/nowhere", "tmpfs", 0, nullptr)); };
    const auto unmounts = [] { return static_cast<long>(umount2("/nowhere", MNT_DETACH)); };
    const auto runs = [] {
        return static_cast<long>(execl("/bin/true", "true", static_cast<char*>(nullptr)));
    };
    CHECK(in_child([&] {
              if (!confine_before_mount(MountWay::by_root)) return kNoFilter;
              return mounts() < 0 ? errno : 0;
          }) == ENOENT);
    CHECK(after(MountWay::by_root, mounts) == kKilled);
    CHECK(after(MountWay::by_root, unmounts) == ENOENT);
    CHECK(after(MountWay::by_holder, unmounts) == kKilled);
    CHECK(after(MountWay::by_fusermount, mounts) == kKilled);
    for (MountWay way : {MountWay::by_root, MountWay::by_holder, MountWay::by_fusermount})
        CHECK(after(way, runs) == kKilled);
}

#ifdef __x86_64__
TEST_CASE("the calls of another architecture end the process") {
    CHECK(confined([] {
              long number = 20;  // getpid(2) of i386
              asm volatile("int $0x80" : "+a"(number));
              return 0;
          }) == kKilled);
    CHECK(confined([] { return syscall(0x40000000 | SYS_getpid) < 0 ? 1 : 0; }) == kKilled);  // x32
}
#endif
