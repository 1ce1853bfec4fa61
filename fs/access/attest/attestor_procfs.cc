// SPDX-License-Identifier: Apache-2.0
#include "access/attest/attestor_procfs.h"

namespace coffer {
namespace {

Result<void> check_ids(pid_t tid, const ProcStatus& status, uid_t fsuid, gid_t fsgid) {
    if (status.ids.fsuid == fsuid && status.ids.fsgid == fsgid) return {};
    return fail(Code::not_allowed, "thread ", tid, " has uid ", status.ids.fsuid, " and gid ",
                status.ids.fsgid, ", not the request's ", fsuid, " and ", fsgid);
}

Failure refused(Error error, pid_t tid) {
    error.code = error.code == Code::limit ? Code::limit : Code::not_allowed;
    return wrap(std::move(error), "thread ", tid, " cannot be identified");
}

}  // namespace

bool ProcfsAttestor::holds(const AttestedProcess& process, const ProcStatus& status,
                           const Descriptor& cgroup) {
    return process.same_facts(status) && process.same_exe() &&
           ProcFolder::in_cgroup(cgroup, process.caller().cgroup.path);
}

Result<std::shared_ptr<const Attested>> ProcfsAttestor::attest(pid_t tid, uid_t fsuid, gid_t fsgid) {
    if (tid <= 0)
        return fail(Code::not_allowed, "the caller is outside this pid namespace and cannot be identified");
    if (auto thread = threads_.find(tid)) {
        auto status = (*thread)->folder.status();
        if (status && check_ids(tid, *status, fsuid, fsgid) &&
            holds(*(*thread)->process, *status, (*thread)->cgroup))
            return std::shared_ptr<const Attested>((*thread)->process);
    }
    auto folder = ProcFolder::open(tid);
    if (!folder && folder.error().code == Code::limit) {
        threads_.clear();  // what is cached can be found again
        folder = ProcFolder::open(tid);
    }
    if (!folder) return refused(std::move(folder).error(), tid);
    auto status = folder->status();
    if (!status) return refused(std::move(status).error(), tid);
    COFFER_CHECK(check_ids(tid, *status, fsuid, fsgid));
    auto process = find(tid, *std::move(folder), *status);
    if (!process) return refused(std::move(process).error(), tid);
    return std::shared_ptr<const Attested>(*std::move(process));
}

Result<ProcfsAttestor::Process> ProcfsAttestor::find(pid_t tid, ProcFolder folder, const ProcStatus& status) {
    Process process;
    Descriptor cgroup = folder.open_cgroup();
    if (auto entry = processes_.find(status.tgid)) process = (*entry)->lock();
    if (!process || !holds(*process, status, cgroup)) {
        AttestedProcess::Known known;
        known.tid = tid;
        known.status = status;
        known.cgroup_file = &cgroup;
        COFFER_TRY(process, AttestedProcess::look(folder, std::move(known), own_users_));
        // The folder was opened first: if it still speaks for a thread of the same facts, then all that was
        // read in between by number was of its process.
        COFFER_TRY(ProcStatus after, folder.status());
        if (after != status) return fail(Code::not_allowed, "it changed while it was looked at");
        forget_dead();
        processes_.put(status.tgid, std::make_shared<const std::weak_ptr<const AttestedProcess>>(process));
    }
    threads_.put(tid, std::make_shared<const Thread>(Thread{std::move(folder), std::move(cgroup), process}));
    return process;
}

void ProcfsAttestor::forget_dead() {
    for (int i = 0; i < 2; ++i) {
        auto oldest = threads_.rotate();
        if (oldest && !oldest->second->folder.alive()) threads_.erase(oldest->first, oldest->second);
    }
}

}  // namespace coffer
