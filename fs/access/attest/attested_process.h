// SPDX-License-Identifier: Apache-2.0
//
// AttestedProcess: the facts of one process, and the means to see whether they still hold. Immutable once
// made; thread-safe.
#pragma once

#include <memory>
#include <optional>

#include "access/attest/attest.h"
#include "access/attest/pidfd.h"
#include "access/attest/proc_folder.h"

namespace coffer {

class AttestedProcess final : public Attested {
  public:
    // What the caller has found out already about the asking thread, whose folder is `thread`.
    struct Known {
        pid_t tid = 0;
        ProcStatus status;
        std::uint64_t cgroup_id = 0;              // 0: not known
        std::optional<CgroupPlace> cgroup;        // of that id, from an earlier look
        const Descriptor* cgroup_file = nullptr;  // the thread's, for where the place is not known
    };
    // Fails when the process is gone, or changes under the look.
    [[nodiscard]] static Result<std::shared_ptr<const AttestedProcess>> look(const ProcFolder& thread,
                                                                             Known known,
                                                                             const NamespaceId& own_users);

    // The kernel's word on a thread is what it was when this was attested.
    [[nodiscard]] bool same_facts(const PidfdInfo& info) const;
    // The same from /proc, supplementary groups and tracer included.
    [[nodiscard]] bool same_facts(const ProcStatus& status) const;
    [[nodiscard]] bool same_exe() const;  // and the process is not gone
    [[nodiscard]] Descriptor open_exe() const override;
    // Where the cgroup id does not tell the place, the thread's folder has to.
    [[nodiscard]] bool cgroup_has_id() const { return cgroup_has_id_; }

  private:
    explicit AttestedProcess(ProcFolder home) : home_(std::move(home)) {}
    Result<void> look_at_exe();
    Result<void> look_at_cgroup(Known& known);

    ProcFolder home_;  // of the process; of the asking thread where the first thread has exited
    ExeStamp exe_;
    bool cgroup_has_id_ = true;
};

}  // namespace coffer
