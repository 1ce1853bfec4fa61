// SPDX-License-Identifier: Apache-2.0
//
// PidfdAttestor: callers through pidfds of their threads. A caller that is known costs PIDFD_GET_INFO and an
// fstatat of its executable; another thread of a known process a pidfd_open as well.
// A pidfd stays with its thread, so a thread number that is used again is never mistaken for its last user.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "access/attest/attested_process.h"
#include "access/attest/lru_table.h"

namespace coffer {

class PidfdAttestor final : public Attestor {
  public:
    PidfdAttestor(const NamespaceId& own_users, std::size_t capacity)
        : own_users_(own_users), threads_(capacity), processes_(capacity), places_(capacity) {}

    Result<std::shared_ptr<const Attested>> attest(pid_t tid, uid_t fsuid, gid_t fsgid) override;
    Result<std::shared_ptr<const Attested>> look_closer(std::shared_ptr<const Attested> found, pid_t tid,
                                                        uid_t fsuid, gid_t fsgid, Facts facts) override;
    [[nodiscard]] AttestMethod method() const override { return AttestMethod::pidfd; }

  private:
    using Process = std::shared_ptr<const AttestedProcess>;
    using Clock = std::chrono::steady_clock;
    struct Thread {
        Thread(Descriptor its_pidfd, Descriptor its_cgroup, Process its_process, Clock::time_point when)
            : pidfd(std::move(its_pidfd)),
              cgroup(std::move(its_cgroup)),
              process(std::move(its_process)),
              status_read(when) {}
        Descriptor pidfd;
        Descriptor cgroup;  // its cgroup file, where the cgroup id does not tell the place
        Process process;
        mutable std::atomic<Clock::time_point> status_read;  // kNever: not yet
    };
    static constexpr Clock::time_point kNever{};
    struct Seen {  // a thread whose pidfd says that it is the one that asks
        Descriptor pidfd;
        PidfdInfo info;
    };

    [[nodiscard]] static Result<Seen> see(pid_t tid, uid_t fsuid, gid_t fsgid);
    [[nodiscard]] static bool holds(const AttestedProcess& process, const PidfdInfo& info);
    [[nodiscard]] bool place_holds(const AttestedProcess& process, pid_t tid);
    [[nodiscard]] Result<bool> status_holds(const AttestedProcess& process, pid_t tid, Facts facts);
    [[nodiscard]] Result<Process> find(pid_t tid, uid_t fsuid, gid_t fsgid);
    [[nodiscard]] Result<Process> look(pid_t tid, Seen seen);
    void remember(pid_t tid, Descriptor pidfd, Descriptor cgroup, const Process& process,
                  Clock::time_point status_read);
    void forget_dead();

    const NamespaceId own_users_;
    LruTable<pid_t, std::shared_ptr<const Thread>> threads_;
    // By process; held by its threads' entries and by whoever uses it, not by this table.
    LruTable<pid_t, std::shared_ptr<const std::weak_ptr<const AttestedProcess>>> processes_;
    LruTable<std::uint64_t, std::shared_ptr<const CgroupPlace>> places_;  // by cgroup id
};

}  // namespace coffer
