// SPDX-License-Identifier: Apache-2.0
#include "access/attest/attested_process.h"

#include "access/attest/credential_loader.h"
#include "access/attest/exe_mount.h"
#include "access/attest/invocation.h"

namespace coffer {

bool AttestedProcess::same_facts(const PidfdInfo& info) const {
    return info.tgid == caller_.tgid && info.ids == caller_.ids && info.cgroup_id == caller_.cgroup_id;
}

bool AttestedProcess::same_facts(const ProcStatus& status) const {
    return status.tgid == caller_.tgid && status.ids == caller_.ids && status.groups == caller_.groups &&
           status.tracer == caller_.tracer;
}

bool AttestedProcess::same_exe() const {
    return home_.exe_stamp() == exe_;
}

Descriptor AttestedProcess::open_exe() const {
    if (!exe_is_kernels(home_)) return {};
    Descriptor file = home_.open_exe();
    if (file && ProcFolder::stamp_of(file) != exe_) file = {};
    return file;
}

// PR_SET_MM lets a sibling thread change the link while this thread waits, hence twice.
Result<void> AttestedProcess::look_at_exe() {
    std::optional<ExeStamp> before = home_.exe_stamp();
    std::string path = home_.exe_path();
    std::optional<ExeStamp> after = home_.exe_stamp();
    if (!before || before != after)
        return fail(Code::not_allowed, "process ", caller_.tgid, " changed while it was looked at");
    exe_ = *before;
    if (exe_.readable) caller_.exe = {std::move(path), exe_.device, exe_.inode};
    return {};
}

Result<void> AttestedProcess::look_at_cgroup(Known& known) {
    if (!known.cgroup) {
        COFFER_TRY(std::string text, ProcFolder::cgroup_text(*known.cgroup_file));
        CgroupLines lines = parse_cgroup_lines(text);
        cgroup_has_id_ = lines.covered_by_id;
        known.cgroup = read_cgroup_path(lines.path);
    }
    caller_.cgroup = *std::move(known.cgroup);
    caller_.invocation_id = read_invocation_id(caller_.cgroup.unit);
    return {};
}

Result<std::shared_ptr<const AttestedProcess>> AttestedProcess::look(const ProcFolder& thread, Known known,
                                                                     const NamespaceId& own_users) {
    COFFER_TRY(ProcFolder home, ProcFolder::open(known.status.tgid));
    COFFER_TRY(std::uint64_t start, home.start_ticks());
    if (known.tid != known.status.tgid) {
        // A first thread that has exited while others go on shows no executable; theirs is the same.
        std::optional<ExeStamp> shown = home.exe_stamp();
        if (shown && !shown->readable) {
            COFFER_TRY(home, ProcFolder::open(known.tid));
        }
    }
    std::shared_ptr<AttestedProcess> process(new AttestedProcess(std::move(home)));
    Caller& caller = process->caller_;
    caller.tid = known.tid;
    caller.tgid = known.status.tgid;
    caller.ids = known.status.ids;
    caller.groups = std::move(known.status.groups);
    caller.tracer = known.status.tracer;
    caller.cgroup_id = known.cgroup_id;
    caller.start_ticks = start;
    // Not to be seen counts as foreign: such a caller matches no rule by its executable.
    caller.foreign_user_namespace = thread.user_namespace() != own_users || own_users.inode == 0;
    COFFER_CHECK(process->look_at_exe());
    COFFER_CHECK(process->look_at_cgroup(known));
    caller.credential_loader = is_credential_loader(caller);
    return std::shared_ptr<const AttestedProcess>(std::move(process));
}

}  // namespace coffer
