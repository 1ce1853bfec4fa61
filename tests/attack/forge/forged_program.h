// SPDX-License-Identifier: Apache-2.0
//
// How a process makes /proc/PID/exe name another program (prctl(2), PR_SET_MM_MAP): it replaces the mappings
// of its own program by copies, then asks, as root of a user namespace of its own making, for the link to be
// set. To be called in a client's process.
#pragma once

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace coffer::test {

// While a mapping of the program is left the kernel answers EBUSY.
inline bool leave_own_program() {
    struct Mapping {
        std::uintptr_t start, end;
        int protection;
    };
    std::vector<Mapping> mappings;
    const std::string own = std::filesystem::read_symlink("/proc/self/exe");
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (!line.ends_with(' ' + own)) continue;
        std::istringstream fields(line);
        Mapping one{};
        char dash = 0;
        std::string rights;
        fields >> std::hex >> one.start >> dash >> one.end >> rights;
        one.protection = (rights[0] == 'r' ? PROT_READ : 0) | (rights[1] == 'w' ? PROT_WRITE : 0) |
                         (rights[2] == 'x' ? PROT_EXEC : 0);
        mappings.push_back(one);
    }
    for (const Mapping& one : mappings) {
        const std::size_t size = one.end - one.start;
        void* const place = reinterpret_cast<void*>(one.start);  // NOLINT(performance-no-int-to-ptr)
        void* copy = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (copy == MAP_FAILED) return false;
        // By the kernel: a sanitizer would mind that there are gaps between the variables.
        const iovec from{place, size}, to{copy, size};
        if ((one.protection & PROT_READ) &&
            syscall(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0) != static_cast<long>(size))
            return false;
        if (mprotect(copy, size, one.protection) != 0) return false;
        if (mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) return false;
    }
    return !mappings.empty();
}

// The process's own map as it is, with another program file. To be filled before there is a namespace.
struct ProgramClaim {
    prctl_mm_map map{};
    explicit ProgramClaim(int program) {
        std::ifstream file("/proc/self/stat");
        std::string text;
        std::getline(file, text);
        std::istringstream fields(text.substr(text.rfind(')') + 2));
        std::array<std::string, 53> all;  // proc(5)'s numbers; 3 is the first after the name
        for (std::size_t number = 3; number < all.size() && fields >> all[number]; ++number) {
        }
        auto at = [&](std::size_t number) { return std::strtoull(all[number].c_str(), nullptr, 10); };
        map.start_code = at(26);
        map.end_code = at(27);
        map.start_stack = at(28);
        map.start_data = at(45);
        map.end_data = at(46);
        map.start_brk = at(47);
        map.brk = reinterpret_cast<std::uintptr_t>(sbrk(0));
        map.arg_start = at(48);
        map.arg_end = at(49);
        map.env_start = at(50);
        map.env_end = at(51);
        map.exe_fd = static_cast<std::uint32_t>(program);
    }
    // 0 or an errno. Needs CAP_CHECKPOINT_RESTORE in the user namespace that the process is in.
    [[nodiscard]] int make() { return prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) == 0 ? 0 : errno; }
};

// A child in a user namespace makes the claim for the memory that it shares; this process stays where it is.
inline int claim_through_child(ProgramClaim& claim) {
    static std::array<unsigned char, 65536> stack;
    const pid_t child =
        clone([](void* what) { return static_cast<ProgramClaim*>(what)->make(); },
              stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | SIGCHLD, &claim);
    if (child < 0) return errno;
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return ECHILD;
    return WEXITSTATUS(status);
}

}  // namespace coffer::test
