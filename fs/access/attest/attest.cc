// SPDX-License-Identifier: Apache-2.0
#include "access/attest/attest.h"

#include <sys/resource.h>

#include <algorithm>

#include "access/attest/attestor_pidfd.h"
#include "access/attest/attestor_procfs.h"

namespace coffer {
namespace {

// Each entry holds up to three descriptors; the rest of the program must not run out because of them.
std::size_t fit_descriptors(std::size_t wanted) {
    struct rlimit limit {};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return std::min<std::size_t>(wanted, 64);
    return std::max<std::size_t>(8, std::min<std::size_t>(wanted, limit.rlim_cur / 8));
}

}  // namespace

Result<std::shared_ptr<const Attested>> Attestor::attest_thread(pid_t tid) {
    if (tid <= 0) return fail(Code::not_allowed, "the caller is outside this pid namespace");
    COFFER_TRY(ProcFolder folder, ProcFolder::open(tid));
    COFFER_TRY(ProcStatus status, folder.status());
    return attest(tid, status.ids.fsuid, status.ids.fsgid);
}

Result<std::unique_ptr<Attestor>> Attestor::create(AttestMethod method, std::size_t processes) {
    bool works = method != AttestMethod::procfs && pidfd_info_works();
    if (method == AttestMethod::pidfd && !works)
        return fail(Code::failed,
                    "this kernel does not identify callers by pidfd (PIDFD_THREAD and "
                    "PIDFD_GET_INFO, Linux 6.13 or later); use procfs or automatic");
    COFFER_TRY(ProcFolder self, ProcFolder::open(::getpid()));
    NamespaceId own_users = self.user_namespace();
    std::size_t capacity = fit_descriptors(processes);
    if (works) return std::unique_ptr<Attestor>(new PidfdAttestor(own_users, capacity));
    return std::unique_ptr<Attestor>(new ProcfsAttestor(own_users, capacity));
}

}  // namespace coffer
