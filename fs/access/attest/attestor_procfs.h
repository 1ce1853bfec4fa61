// SPDX-License-Identifier: Apache-2.0
//
// ProcfsAttestor: callers through /proc alone, for kernels before 6.13. Each look reads the status and the
// cgroup of the asking thread through a held folder, and costs some 25 us; the facts are the same but for the
// cgroup id, which /proc does not tell.
#pragma once

#include <memory>

#include "access/attest/attested_process.h"
#include "access/attest/lru_table.h"

namespace coffer {

class ProcfsAttestor final : public Attestor {
  public:
    ProcfsAttestor(const NamespaceId& own_users, std::size_t capacity)
        : own_users_(own_users), threads_(capacity), processes_(capacity) {}

    Result<std::shared_ptr<const Attested>> attest(pid_t tid, uid_t fsuid, gid_t fsgid) override;
    // attest() has compared all that there is.
    Result<std::shared_ptr<const Attested>> look_closer(std::shared_ptr<const Attested> found, pid_t, uid_t,
                                                        gid_t, Facts) override {
        return found;
    }
    [[nodiscard]] AttestMethod method() const override { return AttestMethod::procfs; }

  private:
    using Process = std::shared_ptr<const AttestedProcess>;
    struct Thread {
        ProcFolder folder;
        Descriptor cgroup;
        Process process;
    };

    [[nodiscard]] static bool holds(const AttestedProcess& process, const ProcStatus& status,
                                    const Descriptor& cgroup);
    [[nodiscard]] Result<Process> find(pid_t tid, ProcFolder folder, const ProcStatus& status);
    void forget_dead();

    const NamespaceId own_users_;
    LruTable<pid_t, std::shared_ptr<const Thread>> threads_;
    LruTable<pid_t, std::shared_ptr<const std::weak_ptr<const AttestedProcess>>> processes_;
};

}  // namespace coffer
