// SPDX-License-Identifier: Apache-2.0
#include "serve/process_limits.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/descriptor.h"

namespace coffer {
namespace {

Result<rlimit> raise_to_hard(decltype(RLIMIT_MEMLOCK) which, std::string_view name) {
    rlimit limit{};
    if (getrlimit(which, &limit) != 0) return fail(Code::failed, "getrlimit ", name, ": ", errno_text());
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(which, &limit) != 0) return fail(Code::failed, "setrlimit ", name, ": ", errno_text());
    return limit;
}

// Tried, for the limit binds only those without CAP_IPC_LOCK.
bool can_lock(std::uint64_t bytes) {
    void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return false;
    const bool good = mlock(memory, bytes) == 0;
    munmap(memory, bytes);
    return good;
}

}  // namespace

Result<void> forbid_dumps() {
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return fail(Code::failed, "setrlimit core: ", errno_text());
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return fail(Code::failed, "prctl PR_SET_DUMPABLE: ", errno_text());
    return {};
}

Result<void> raise_limits(std::uint64_t locked_bytes) {
    COFFER_TRY(auto locked, raise_to_hard(RLIMIT_MEMLOCK, "memlock"));
    COFFER_TRY(auto files, raise_to_hard(RLIMIT_NOFILE, "nofile"));
    (void)files;
    if (can_lock(locked_bytes)) return {};
    return fail(Code::limit, "cofferd needs to lock ", locked_bytes / 1024, " KiB of memory, the limit is ",
                locked.rlim_max / 1024,
                " KiB; raise it (`ulimit -l`, or LimitMEMLOCK= of the systemd unit), or lower cached_versions"
                " in the configuration");
}

}  // namespace coffer
