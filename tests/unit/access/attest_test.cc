// SPDX-License-Identifier: Apache-2.0
//
// Attestation of real children, by both methods where the kernel has both.
#include "access/attest/attest.h"

#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "access/attest/pidfd.h"
#include "support/catch.h"
#include "support/cgroup.h"
#include "support/in_child.h"
#include "support/puppet.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::Cgroup;
using coffer::test::Puppet;

namespace {

constexpr uid_t kOther = 60001;
constexpr gid_t kGroup = 60011;

std::vector<AttestMethod> methods() {
    std::vector<AttestMethod> out = {AttestMethod::procfs};
    if (pidfd_info_works())
        out.push_back(AttestMethod::pidfd);
    else
        WARN("this kernel has no PIDFD_GET_INFO (Linux 6.13): the pidfd method is not tested");
    return out;
}

bool is_root(const char* what) {
    if (geteuid() == 0) return true;
    WARN("not root: skipped " << what);
    return false;
}

std::unique_ptr<Attestor> attestor(AttestMethod method, std::size_t processes = 64) {
    auto made = Attestor::create(method, processes);
    if (!made) FAIL(made.error().message);
    REQUIRE((*made)->method() == method);
    return *std::move(made);
}

using Seen = std::shared_ptr<const Attested>;

Seen look(Attestor& attestor, pid_t tid, uid_t uid = geteuid(), gid_t gid = getegid()) {
    auto seen = attestor.attest(tid, uid, gid);
    if (!seen) FAIL(seen.error().message);
    return *std::move(seen);
}
Seen look_closely(Attestor& attestor, pid_t tid, uid_t uid = geteuid(), gid_t gid = getegid()) {
    auto seen = attestor.look_closer(look(attestor, tid, uid, gid), tid, uid, gid, Facts::all);
    if (!seen) FAIL(seen.error().message);
    return *std::move(seen);
}
bool refused(Attestor& attestor, pid_t tid, uid_t uid = geteuid(), gid_t gid = getegid()) {
    auto seen = attestor.attest(tid, uid, gid);
    return !seen && seen.error().code == Code::not_allowed;
}

pid_t own_tid() {
    return static_cast<pid_t>(syscall(SYS_gettid));
}

// Starts a thread that only waits; its id.
int start_thread() {
    static std::atomic<pid_t> tid;
    tid = 0;
    std::thread([] {
        tid = own_tid();
        for (;;) pause();
    }).detach();
    while (tid == 0) sched_yield();
    return tid;
}

// The same, under another user: the bare system call changes the calling thread alone.
int start_other_thread() {
    static std::atomic<pid_t> tid;
    tid = 0;
    std::thread([] {
        if (syscall(SYS_setresuid, kOther, kOther, kOther) != 0) _exit(1);
        tid = own_tid();
        for (;;) pause();
    }).detach();
    while (tid == 0) sched_yield();
    return tid;
}

int run_sleep() {
    execl("/bin/sleep", "sleep", "1000", nullptr);
    return -1;
}

std::size_t open_descriptors() {
    auto all = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// Forks a child under a given process id.
pid_t fork_as(pid_t pid) {
    struct clone_args arguments {};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<std::uint64_t>(&pid);
    arguments.set_tid_size = 1;
    auto child = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (child == 0)
        for (;;) pause();
    return child;
}

}  // namespace

TEST_CASE("attestation tells a process's ids, groups, executable and start") {
    for (AttestMethod method : methods()) {
        auto by = attestor(method);
        Seen self = look(*by, own_tid());
        const Caller& caller = self->caller();
        CHECK(caller.tgid == getpid());
        CHECK(caller.ids.ruid == getuid());
        CHECK(caller.ids.euid == geteuid());
        CHECK(caller.ids.fsgid == getegid());
        std::vector<gid_t> groups(static_cast<std::size_t>(getgroups(0, nullptr)));
        REQUIRE(getgroups(static_cast<int>(groups.size()), groups.data()) >= 0);
        std::sort(groups.begin(), groups.end());
        CHECK(caller.groups == groups);
        CHECK(caller.exe.path == std::filesystem::read_symlink("/proc/self/exe"));
        struct stat exe {};
        REQUIRE(stat("/proc/self/exe", &exe) == 0);
        CHECK(caller.exe.inode == exe.st_ino);
        CHECK(caller.exe.device == exe.st_dev);
        CHECK(caller.start_ticks > 0);
        CHECK(caller.cgroup.path.starts_with("/"));
        CHECK(caller.tracer == 0);
        CHECK_FALSE(caller.foreign_user_namespace);
        CHECK_FALSE(caller.sha256);
    }
}

TEST_CASE("both methods tell the same of one process") {
    if (!pidfd_info_works()) {
        WARN("this kernel has no PIDFD_GET_INFO (Linux 6.13): skipped");
        return;
    }
    Puppet child;
    auto by_pidfd = attestor(AttestMethod::pidfd), by_proc = attestor(AttestMethod::procfs);
    const Caller a = look(*by_pidfd, child.pid())->caller(), b = look(*by_proc, child.pid())->caller();
    CHECK(a.tgid == b.tgid);
    CHECK(a.ids == b.ids);
    CHECK(a.groups == b.groups);
    CHECK(a.exe.path == b.exe.path);
    CHECK(a.exe.same_file(b.exe));
    CHECK(a.cgroup == b.cgroup);
    CHECK(a.start_ticks == b.start_ticks);
    CHECK(a.cgroup_id != 0);
}

TEST_CASE("an unchanged process is the same object for each of its threads") {
    for (AttestMethod method : methods()) {
        Puppet child({start_thread});
        auto by = attestor(method);
        Seen first = look(*by, child.pid());
        CHECK(look(*by, child.pid()) == first);
        pid_t thread = child.act(0);
        CHECK(look(*by, thread) == first);
        CHECK(look(*by, thread) == first);
        CHECK(look_closely(*by, thread) == first);
        CHECK(look(*by, child.pid()) == first);
    }
}

TEST_CASE("another process of the same program is another object") {
    for (AttestMethod method : methods()) {
        Puppet one, two;
        auto by = attestor(method);
        Seen first = look(*by, one.pid()), second = look(*by, two.pid());
        CHECK(first != second);
        CHECK(first->caller().tgid == one.pid());
        CHECK(second->caller().tgid == two.pid());
    }
}

TEST_CASE("a caller from outside the pid namespace, or gone, is refused") {
    for (AttestMethod method : methods()) {
        auto by = attestor(method);
        CHECK(refused(*by, 0));
        CHECK(refused(*by, -1));
        Puppet child;
        pid_t pid = child.pid();
        REQUIRE(look(*by, pid));
        child.kill();
        CHECK(refused(*by, pid));
    }
}

TEST_CASE("ids that are not the request's are refused, for a stranger and for a known caller") {
    for (AttestMethod method : methods()) {
        Puppet child;
        auto by = attestor(method);
        CHECK(refused(*by, child.pid(), geteuid() + 1));
        CHECK(refused(*by, child.pid(), geteuid(), getegid() + 1));
        REQUIRE(look(*by, child.pid()));
        CHECK(refused(*by, child.pid(), geteuid() + 1));
        CHECK(refused(*by, child.pid(), geteuid(), getegid() + 1));
    }
}

TEST_CASE("a process that changes its user is attested anew") {
    if (!is_root("a change of user")) return;
    for (AttestMethod method : methods()) {
        Puppet child({[] { return setresuid(kOther, kOther, kOther); }, [] { return setresgid(1, 1, 1); }});
        auto by = attestor(method);
        Seen before = look(*by, child.pid());
        REQUIRE(child.act(0) == 0);
        CHECK(refused(*by, child.pid(), 0));
        Seen after = look(*by, child.pid(), kOther);
        CHECK(after != before);
        CHECK(after->caller().ids.euid == kOther);
        CHECK(before->caller().ids.euid == 0);
    }
}

TEST_CASE("a change of the saved user alone is noticed") {
    if (!is_root("a change of user")) return;
    for (AttestMethod method : methods()) {
        Puppet child({[] { return setresuid(uid_t(-1), uid_t(-1), kOther); }});
        auto by = attestor(method);
        Seen before = look(*by, child.pid());
        REQUIRE(child.act(0) == 0);
        Seen after = look(*by, child.pid());
        CHECK(after != before);
        CHECK(after->caller().ids.suid == kOther);
    }
}

TEST_CASE("a thread under another user is itself, not its process") {
    if (!is_root("a thread under another user")) return;
    for (AttestMethod method : methods()) {
        Puppet child({start_other_thread});
        auto by = attestor(method);
        Seen process = look(*by, child.pid());
        pid_t thread = child.act(0);
        CHECK(refused(*by, thread, 0));
        Seen other = look(*by, thread, kOther);
        CHECK(other != process);
        CHECK(other->caller().tgid == child.pid());
        CHECK(other->caller().ids.fsuid == kOther);
        CHECK(look(*by, child.pid())->caller().ids.fsuid == 0);
        CHECK(look(*by, thread, kOther)->caller().ids.fsuid == kOther);
    }
}

TEST_CASE("a process that becomes another program is attested anew") {
    for (AttestMethod method : methods()) {
        Puppet child({run_sleep});
        auto by = attestor(method);
        Seen before = look(*by, child.pid());
        REQUIRE(child.act(0) == Puppet::kExecuted);
        Seen after = look(*by, child.pid());
        CHECK(after != before);
        CHECK(after->caller().exe.path == std::filesystem::canonical("/bin/sleep"));
        CHECK(after->caller().start_ticks == before->caller().start_ticks);
    }
}

TEST_CASE("a program file that is removed while it runs is seen as deleted") {
    test::TempFolder folder;
    std::filesystem::copy_file("/bin/sleep", folder / "tool");
    for (AttestMethod method : methods()) {
        std::filesystem::copy_file("/bin/sleep", folder / "tool",
                                   std::filesystem::copy_options::overwrite_existing);
        std::string tool = folder / "tool";
        Puppet child({[tool] { return execl(tool.c_str(), "tool", "1000", nullptr); }});
        REQUIRE(child.act(0) == Puppet::kExecuted);
        auto by = attestor(method);
        Seen before = look(*by, child.pid());
        CHECK(before->caller().exe.path == tool);
        std::filesystem::remove(tool);
        Seen after = look(*by, child.pid());
        CHECK(after != before);
        CHECK(after->caller().exe.path == tool + " (deleted)");
    }
}

TEST_CASE("a process number that is used again is not its last user") {
    if (!is_root("a chosen process number")) return;
    for (AttestMethod method : methods()) {
        auto by = attestor(method);
        auto first = std::make_unique<Puppet>();
        pid_t pid = first->pid();
        Seen before = look(*by, pid);
        first.reset();
        pid_t again = fork_as(pid);
        REQUIRE(again == pid);
        Seen after = look(*by, pid);
        CHECK(after != before);
        kill(again, SIGKILL);
        waitpid(again, nullptr, 0);
    }
}

TEST_CASE("a process in a user namespace of its own is marked") {
    for (AttestMethod method : methods()) {
        Puppet child({[] { return unshare(CLONE_NEWUSER); }});
        if (child.act(0) != 0) {
            WARN("user namespaces are not to be had here: skipped");
            return;
        }
        auto by = attestor(method);
        CHECK(look(*by, child.pid())->caller().foreign_user_namespace);
    }
}

TEST_CASE("a supplementary group that is left is noticed on a close look") {
    if (!is_root("a change of groups")) return;
    for (AttestMethod method : methods()) {
        Puppet child({[] {
                          gid_t groups[] = {5, kGroup, 7};
                          return setgroups(3, groups);
                      },
                      [] { return setgroups(0, nullptr); }});
        auto by = attestor(method);
        REQUIRE(child.act(0) == 0);
        Seen before = look_closely(*by, child.pid());
        CHECK(before->caller().groups == std::vector<gid_t>{5, 7, kGroup});
        CHECK(look_closely(*by, child.pid()) == before);
        REQUIRE(child.act(1) == 0);
        Seen after = look_closely(*by, child.pid());
        CHECK(after != before);
        CHECK(after->caller().groups.empty());
        CHECK(look(*by, child.pid()) == after);
    }
}

TEST_CASE("a tracer is noticed on a close look") {
    for (AttestMethod method : methods()) {
        Puppet child;
        auto by = attestor(method);
        Seen before = look_closely(*by, child.pid());
        CHECK(before->caller().tracer == 0);
        if (ptrace(PTRACE_SEIZE, child.pid(), nullptr, nullptr) != 0) {
            WARN("ptrace is not allowed here: skipped");
            return;
        }
        CHECK(look_closely(*by, child.pid())->caller().tracer == getpid());
    }
}

TEST_CASE("a thread whose first thread has exited keeps its executable") {
    for (AttestMethod method : methods()) {
        int ready[2];
        REQUIRE(pipe(ready) == 0);
        pid_t child = fork();
        if (child == 0) {
            pid_t tid = start_thread();
            if (write(ready[1], &tid, sizeof tid) != sizeof tid) _exit(1);
            syscall(SYS_exit, 0);  // this thread alone
        }
        pid_t thread = 0;
        REQUIRE(read(ready[0], &thread, sizeof thread) == sizeof thread);
        close(ready[0]);
        close(ready[1]);
        // The first thread is a zombie once its executable is not shown any more.
        std::error_code error;
        std::string link = "/proc/" + std::to_string(child) + "/exe";
        while (!std::filesystem::read_symlink(link, error).empty()) sched_yield();
        auto by = attestor(method);
        Seen seen = look(*by, thread);
        CHECK(seen->caller().tgid == child);
        CHECK(seen->caller().exe.path == std::filesystem::read_symlink("/proc/self/exe"));
        CHECK(look(*by, thread) == seen);
        kill(child, SIGKILL);
        waitpid(child, nullptr, 0);
    }
}

TEST_CASE("a process that is moved to another cgroup is attested anew on a closer look") {
    if (!is_root("a cgroup")) return;
    const std::string slice = concat("coffer-test-", getpid(), ".slice");
    Cgroup group(slice);
    if (!group.made()) {
        WARN("SKIPPED: no cgroup can be made here");
        return;
    }
    for (AttestMethod method : methods()) {
        Puppet child({start_thread});
        auto by = attestor(method);
        Seen before = look(*by, child.pid());
        REQUIRE(group.add(child.pid()));
        Seen after = look_closely(*by, child.pid());
        CHECK(after != before);
        CHECK(after->caller().cgroup.slice == slice);
        CHECK(before->caller().cgroup.slice != slice);
        CHECK(look(*by, child.pid()) == after);
        CHECK(look(*by, child.act(0)) == after);
    }
}

TEST_CASE("the descriptors of processes that are gone are given back") {
    for (AttestMethod method : methods()) {
        auto by = attestor(method, 1000);
        std::size_t before = open_descriptors();
        for (int i = 0; i < 100; ++i) {
            Puppet child;
            REQUIRE(look(*by, child.pid()));
        }
        CHECK(open_descriptors() <= before + 8);
    }
}

TEST_CASE("the tables hold no more than they may") {
    for (AttestMethod method : methods()) {
        auto by = attestor(method, 8);
        std::size_t before = open_descriptors();
        std::vector<std::unique_ptr<Puppet>> children;
        for (int i = 0; i < 30; ++i) children.push_back(std::make_unique<Puppet>());
        std::size_t pipes = open_descriptors() - before;
        for (auto& child : children) REQUIRE(look(*by, child->pid()));
        CHECK(open_descriptors() <= before + pipes + 3 * 8);
        for (auto& child : children) CHECK(look(*by, child->pid())->caller().tgid == child->pid());
    }
}

TEST_CASE("when descriptors run out, cached ones make room") {
    for (AttestMethod method : methods()) {
        std::vector<std::unique_ptr<Puppet>> children;
        for (int i = 0; i < 9; ++i) children.push_back(std::make_unique<Puppet>());
        int status = test::in_child([&] {
            auto by = Attestor::create(method, 64);
            if (!by) return 1;
            for (int i = 0; i < 8; ++i)
                if (!(*by)->attest(children[static_cast<std::size_t>(i)]->pid(), geteuid(), getegid()))
                    return 2;
            struct rlimit limit {
                256, 256
            };
            if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 3;
            while (dup(0) >= 0) {
            }
            return (*by)->attest(children[8]->pid(), geteuid(), getegid()) ? 0 : 4;
        });
        CHECK(status == 0);
    }
}

TEST_CASE("many threads may ask at once") {
    for (AttestMethod method : methods()) {
        std::vector<std::unique_ptr<Puppet>> children;
        for (int i = 0; i < 12; ++i) children.push_back(std::make_unique<Puppet>());
        auto by = attestor(method, 8);  // fewer than there are, so that entries come and go
        std::atomic<int> wrong = 0;
        std::vector<std::thread> askers;
        for (int i = 0; i < 4; ++i) {
            askers.emplace_back([&] {
                for (int round = 0; round < 100; ++round) {
                    for (auto& child : children) {
                        auto seen = by->attest(child->pid(), geteuid(), getegid());
                        if (!seen || (*seen)->caller().tgid != child->pid()) ++wrong;
                    }
                }
            });
        }
        for (std::thread& asker : askers) asker.join();
        CHECK(wrong == 0);
    }
}
