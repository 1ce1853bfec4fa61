// SPDX-License-Identifier: Apache-2.0
#include "command.h"

namespace coffer {

std::vector<std::unique_ptr<Command>> all_commands() {
    using Maker = std::unique_ptr<Command> (*)();
    constexpr Maker kMakers[] = {make_init,
                                 make_set,
                                 make_get,
                                 make_ls,
                                 make_rm,
                                 make_history,
                                 make_restore,
                                 make_purge,
                                 make_import,
                                 make_export,
                                 make_log,
                                 make_verify,
                                 make_scope_add,
                                 make_scope_ls,
                                 make_member_add,
                                 make_member_rm,
                                 make_member_ls,
                                 make_host_add,
                                 make_host_rm,
                                 make_host_ls,
                                 make_host_seal_identity,
                                 make_identity_new,
                                 make_identity_show,
                                 make_rotate,
                                 make_audit_verify,
                                 make_audit_show,
                                 make_policy_check,
                                 make_policy_explain,
                                 make_policy_learn,
                                 make_watch,
                                 make_render,
                                 make_status,
                                 make_doctor,
                                 make_completion,
                                 make_exec,
                                 make_task,
                                 make_redact};
    std::vector<std::unique_ptr<Command>> out;
    for (Maker make : kMakers) out.push_back(make());
    return out;
}

}  // namespace coffer
