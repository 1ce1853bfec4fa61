// SPDX-License-Identifier: Apache-2.0
#include "confinement/system_call_filter.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "base/descriptor.h"
#include "confinement/in_force.h"

namespace coffer {
namespace {

constexpr std::array kOrdinary = {
    // memory
    "brk",
    "madvise",
    "mlock",
    "mlock2",
    "mremap",
    "munlock",
    "munmap",
    // threads and signals
    "exit",
    "exit_group",
    "futex",
    "get_robust_list",
    "getpid",
    "gettid",
    "restart_syscall",
    "rseq",
    "rt_sigaction",
    "rt_sigpending",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sched_getaffinity",
    "sched_yield",
    "set_robust_list",
    "set_tid_address",
    "sigaltstack",
    // clocks, chance, limits, who and where this is
    "clock_getres",
    "clock_gettime",
    "clock_nanosleep",
    "getegid",
    "geteuid",
    "getgid",
    "getrandom",
    "getrlimit",
    "getuid",
    "gettimeofday",
    "nanosleep",
    "prlimit64",
    "sysinfo",
    "time",
    "umask",
    "uname",
    // descriptors
    "close",
    "close_range",
    "dup",
    "dup2",
    "dup3",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "eventfd2",
    "fcntl",
    "lseek",
    "pipe2",
    "poll",
    "ppoll",
    "pread64",
    "preadv",
    "pselect6",
    "pwrite64",
    "pwritev",
    "read",
    "readv",
    "select",
    "signalfd4",
    "write",
    "writev",
    // looking at files
    "access",
    "faccessat",
    "faccessat2",
    "fstat",
    "fstatfs",
    "getcwd",
    "getdents64",
    "lstat",
    "newfstatat",
    "open",
    "openat",
    "readlink",
    "readlinkat",
    "stat",
    "statfs",
    "statx",
    // sockets, of which there are only AF_UNIX ones
    "accept4",
    "connect",
    "getpeername",
    "getsockname",
    "getsockopt",
    "recvfrom",
    "recvmsg",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
};

constexpr std::array kDatabase = {
    "fallocate", "fchmod", "fchown",    "fdatasync", "flock",  "fsync",    "ftruncate",
    "mkdir",     "rename", "renameat2", "rmdir",     "unlink", "unlinkat",
};

constexpr std::array kHostile = {
    // another program in this one's place
    "execve",
    "execveat",
    "uselib",
    // other processes
    "kcmp",
    "pidfd_getfd",
    "process_madvise",
    "process_mrelease",
    "process_vm_readv",
    "process_vm_writev",
    "ptrace",
    // what is seen under which name
    "chroot",
    "fsconfig",
    "fsmount",
    "fsopen",
    "fspick",
    "mount",
    "mount_setattr",
    "move_mount",
    "open_tree",
    "pivot_root",
    "setns",
    "umount2",
    "unshare",
    // the kernel, and its parts that are attacked most
    "add_key",
    "bpf",
    "delete_module",
    "finit_module",
    "init_module",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "kexec_file_load",
    "kexec_load",
    "keyctl",
    "perf_event_open",
    "request_key",
    "userfaultfd",
    // the machine
    "acct",
    "clock_adjtime",
    "clock_settime",
    "ioperm",
    "iopl",
    "open_by_handle_at",
    "quotactl",
    "reboot",
    "sethostname",
    "setdomainname",
    "settimeofday",
    "swapoff",
    "swapon",
    "syslog",
    "vhangup",
    // another user
    "capset",
    "setfsgid",
    "setfsuid",
    "setgid",
    "setgroups",
    "setregid",
    "setresgid",
    "setresuid",
    "setreuid",
    "setuid",
};

// libseccomp's, for as long as rules are added to it.
class Filter {
  public:
    Filter() : context_(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), &seccomp_release) {
        if (!context_) note(-ENOMEM);
        set(SCMP_FLTATR_ACT_BADARCH,
            SCMP_ACT_KILL_PROCESS);  // another architecture's numbers are other calls
        set(SCMP_FLTATR_CTL_NNP, 1);
        set(SCMP_FLTATR_CTL_TSYNC, 1);
        set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a tree, not one comparison after the other
    }

    void add(std::uint32_t action, std::string_view name, std::initializer_list<scmp_arg_cmp> where = {}) {
        const int number = seccomp_syscall_resolve_name(name.data());
        if (number < 0 || error_ != 0) return;  // unknown, or not this architecture's
        note(seccomp_rule_add_array(context_.get(), action, number, static_cast<unsigned>(where.size()),
                                    where.begin()));
    }
    void allow(std::string_view name, std::initializer_list<scmp_arg_cmp> where = {}) {
        add(SCMP_ACT_ALLOW, name, where);
    }
    // The first error of all, negative; 0 for none.
    [[nodiscard]] int load() {
        if (error_ == 0) note(seccomp_load(context_.get()));
        return error_;
    }

  private:
    void set(scmp_filter_attr attribute, std::uint32_t value) {
        if (error_ == 0) note(seccomp_attr_set(context_.get(), attribute, value));
    }
    void note(int result) {
        if (error_ == 0 && result < 0) error_ = result;
    }
    std::unique_ptr<void, void (*)(scmp_filter_ctx)> context_;
    int error_ = 0;
};

// Of ioctl(2)'s numbers: direction, type and number. The size grows as the kernel's structures do.
constexpr std::uint64_t kRequestWithoutSize = ~(std::uint64_t{_IOC_SIZEMASK} << _IOC_SIZESHIFT);

scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
    return {argument, SCMP_CMP_EQ, value, 0};
}
scmp_arg_cmp has(unsigned argument, std::uint64_t bits, std::uint64_t value) {
    return {argument, SCMP_CMP_MASKED_EQ, bits, value};
}

// clone3 has its flags where no filter sees them: glibc falls back to clone(2) on ENOSYS.
void allow_by_argument(Filter& filter) {
    filter.allow("clone", {has(0, CLONE_THREAD, CLONE_THREAD)});
    filter.allow("tgkill", {is(0, static_cast<std::uint64_t>(::getpid()))});
    filter.allow("mprotect", {has(2, PROT_EXEC, 0)});
    // A library that the resolver of users loads is mapped to be executed, and not to be written as well.
    filter.allow("mmap", {has(2, PROT_EXEC, 0)});
    filter.allow("mmap", {has(2, PROT_WRITE, 0)});
    filter.allow("socket", {is(0, AF_UNIX)});
    filter.allow("socketpair", {is(0, AF_UNIX)});
    // As systemd's RestrictAddressFamilies= says it. Not the end of the process: a resolver of users may try.
    filter.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", {{0, SCMP_CMP_NE, AF_UNIX, 0}});
    // Is this a terminal? Of the other requests, one pushes words into the terminal of whoever started this.
    filter.allow("ioctl", {is(1, TCGETS)});
    // PR_SET_VMA names memory in newer libcs, PR_CAPBSET_READ asks libcap on behalf of systemd's resolver of
    // users.
    constexpr std::uint64_t kPrSetVma = 0x53564d41;
    for (const std::uint64_t what :
         {std::uint64_t{PR_SET_NAME}, std::uint64_t{PR_GET_NAME}, std::uint64_t{PR_CAPBSET_READ}, kPrSetVma})
        filter.allow("prctl", {is(0, what)});
    // For a second filter.
    filter.allow("prctl", {is(0, PR_SET_NO_NEW_PRIVS)});
    filter.allow("seccomp");
}

}  // namespace

constinit const SystemCallNames kOrdinaryCalls = kOrdinary;
constinit const SystemCallNames kDatabaseCalls = kDatabase;
constinit const SystemCallNames kHostileCalls = kHostile;

SystemCallRules database_rules(SystemCallNames more) {
    SystemCallRules rules;
    rules.allowed.assign(kDatabaseCalls.begin(), kDatabaseCalls.end());
    rules.allowed.insert(rules.allowed.end(), more.begin(), more.end());
    return rules;
}

Result<void> install_system_call_filter(const SystemCallRules& rules) {
    if (!kConfined) return {};
    Filter filter;
    for (const char* name : kOrdinaryCalls) filter.allow(name);
    for (const char* name : rules.allowed) filter.allow(name);
    allow_by_argument(filter);
    for (const std::uint32_t request : rules.ioctls)
        filter.allow("ioctl", {has(1, kRequestWithoutSize, request & kRequestWithoutSize)});
    for (const char* name : kHostileCalls) {
        const bool wanted =
            std::ranges::any_of(rules.allowed, [&](std::string_view one) { return one == name; });
        if (!wanted) filter.add(SCMP_ACT_KILL_PROCESS, name);
    }
    const int error = filter.load();
    if (error == 0) return {};
    return fail(Code::failed,
                "the filter of system calls (seccomp) cannot be installed: ", errno_text(-error),
                "; the kernel has to have CONFIG_SECCOMP_FILTER, Linux 4.14 or newer");
}

}  // namespace coffer
