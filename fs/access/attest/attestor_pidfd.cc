// SPDX-License-Identifier: Apache-2.0
#include "access/attest/attestor_pidfd.h"

namespace coffer {
namespace {

Failure gone(pid_t tid) {
    return fail(Code::not_allowed, "thread ", tid, " is gone");
}

constexpr std::chrono::milliseconds kRecent{10};  // Facts::tracer

bool out_of_descriptors(int error) {
    return error == EMFILE || error == ENFILE;
}

}  // namespace

Result<PidfdAttestor::Seen> PidfdAttestor::see(pid_t tid, uid_t fsuid, gid_t fsgid) {
    if (tid <= 0)
        return fail(Code::not_allowed, "the caller is outside this pid namespace and cannot be identified");
    Seen seen;
    seen.pidfd = open_thread_pidfd(tid);
    if (!seen.pidfd && out_of_descriptors(errno))
        return fail(Code::limit, "no descriptor left to identify thread ", tid, ": ", errno_text());
    if (!seen.pidfd) return gone(tid);
    std::optional<PidfdInfo> info = pidfd_info(seen.pidfd.get());
    if (!info) return gone(tid);
    seen.info = *info;
    if (info->tid != tid || info->ids.fsuid != fsuid || info->ids.fsgid != fsgid)
        return fail(Code::not_allowed, "thread ", tid, " has uid ", info->ids.fsuid, " and gid ",
                    info->ids.fsgid, ", not the request's ", fsuid, " and ", fsgid);
    return seen;
}

// Ids and cgroup of the asking thread, then the executable of its process.
bool PidfdAttestor::holds(const AttestedProcess& process, const PidfdInfo& info) {
    return process.same_facts(info) && process.same_exe();
}

// A thread may sit in another cgroup of a version 1 hierarchy than its siblings, hence its own file.
bool PidfdAttestor::place_holds(const AttestedProcess& process, pid_t tid) {
    if (process.cgroup_has_id()) return true;
    const std::string& path = process.caller().cgroup.path;
    auto thread = threads_.find(tid);
    if (thread && (*thread)->cgroup) return ProcFolder::in_cgroup((*thread)->cgroup, path);
    auto folder = ProcFolder::open(tid);
    return folder && ProcFolder::in_cgroup(folder->open_cgroup(), path);
}

Result<bool> PidfdAttestor::status_holds(const AttestedProcess& process, pid_t tid, Facts facts) {
    auto thread = threads_.find(tid);
    const Clock::time_point now = Clock::now();
    const bool recent = thread && now - (*thread)->status_read.load(std::memory_order_relaxed) < kRecent;
    if (recent && !has(facts, Facts::status)) return true;
    COFFER_TRY(ProcFolder folder, ProcFolder::open(tid));
    COFFER_TRY(ProcStatus status, folder.status());
    if (thread) (*thread)->status_read.store(now, std::memory_order_relaxed);
    return process.same_facts(status);
}

Result<PidfdAttestor::Process> PidfdAttestor::find(pid_t tid, uid_t fsuid, gid_t fsgid) {
    if (auto thread = threads_.find(tid)) {
        std::optional<PidfdInfo> info = pidfd_info((*thread)->pidfd.get());
        if (info && info->tid == tid && info->ids.fsuid == fsuid && info->ids.fsgid == fsgid &&
            holds(*(*thread)->process, *info))
            return (*thread)->process;
    }
    auto seen = see(tid, fsuid, fsgid);
    if (!seen && seen.error().code == Code::limit) {
        threads_.clear();  // what is cached can be found again
        seen = see(tid, fsuid, fsgid);
    }
    if (!seen) return tl::make_unexpected(std::move(seen).error());
    if (auto entry = processes_.find(seen->info.tgid)) {
        Process process = (*entry)->lock();
        if (process && holds(*process, seen->info)) {
            Descriptor cgroup;
            if (auto folder = ProcFolder::open(tid); folder && !process->cgroup_has_id())
                cgroup = folder->open_cgroup();
            remember(tid, std::move(seen->pidfd), std::move(cgroup), process, kNever);
            return process;
        }
    }
    return look(tid, *std::move(seen));
}

Result<PidfdAttestor::Process> PidfdAttestor::look(pid_t tid, Seen seen) {
    COFFER_TRY(ProcFolder folder, ProcFolder::open(tid));
    AttestedProcess::Known known;
    known.tid = tid;
    known.cgroup_id = seen.info.cgroup_id;
    const Clock::time_point now = Clock::now();
    COFFER_TRY(known.status, folder.status());
    if (auto place = places_.find(known.cgroup_id); place && known.cgroup_id != 0) known.cgroup = **place;
    Descriptor cgroup = known.cgroup ? Descriptor() : folder.open_cgroup();
    known.cgroup_file = &cgroup;
    bool same = known.status.ids == seen.info.ids && known.status.tgid == seen.info.tgid;
    COFFER_TRY(Process process, AttestedProcess::look(folder, std::move(known), own_users_));
    if (process->cgroup_has_id()) cgroup.reset();
    // The pidfd was opened first: if it still speaks for a living thread of the same facts, then all that was
    // read in between by number was that thread's.
    std::optional<PidfdInfo> after = pidfd_info(seen.pidfd.get());
    if (!same || !after || *after != seen.info)
        return fail(Code::not_allowed, "thread ", tid, " changed while it was looked at");
    if (process->cgroup_has_id() && seen.info.cgroup_id != 0)
        places_.put(seen.info.cgroup_id, std::make_shared<const CgroupPlace>(process->caller().cgroup));
    forget_dead();
    remember(tid, std::move(seen.pidfd), std::move(cgroup), process, now);
    processes_.put(seen.info.tgid, std::make_shared<const std::weak_ptr<const AttestedProcess>>(process));
    return process;
}

void PidfdAttestor::remember(pid_t tid, Descriptor pidfd, Descriptor cgroup, const Process& process,
                             Clock::time_point status_read) {
    threads_.put(tid,
                 std::make_shared<const Thread>(std::move(pidfd), std::move(cgroup), process, status_read));
}

// Two for each newcomer: short-lived processes leave no descriptors behind for long.
void PidfdAttestor::forget_dead() {
    for (int i = 0; i < 2; ++i) {
        auto oldest = threads_.rotate();
        if (oldest && !pidfd_info(oldest->second->pidfd.get())) threads_.erase(oldest->first, oldest->second);
    }
}

Result<std::shared_ptr<const Attested>> PidfdAttestor::attest(pid_t tid, uid_t fsuid, gid_t fsgid) {
    COFFER_TRY(Process process, find(tid, fsuid, fsgid));
    return std::shared_ptr<const Attested>(std::move(process));
}

Result<std::shared_ptr<const Attested>> PidfdAttestor::look_closer(std::shared_ptr<const Attested> found,
                                                                   pid_t tid, uid_t fsuid, gid_t fsgid,
                                                                   Facts facts) {
    const auto& process = static_cast<const AttestedProcess&>(*found);  // attest() makes no others
    bool same = !has(facts, Facts::place) || place_holds(process, tid);
    if (same && has(facts, Facts::status | Facts::tracer)) {
        COFFER_TRY(same, status_holds(process, tid, facts));
    }
    if (same) return found;
    COFFER_TRY(Seen seen, see(tid, fsuid, fsgid));
    COFFER_TRY(Process anew, look(tid, std::move(seen)));
    return std::shared_ptr<const Attested>(std::move(anew));
}

}  // namespace coffer
