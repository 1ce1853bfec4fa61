// SPDX-License-Identifier: Apache-2.0
#include "explained.h"

#include "access/advice/policy_explain.h"
#include "access/audit/audit_chain.h"
#include "access/policy/policy_folder.h"

namespace coffer::test {

void check_explained(const MountedStore& mounted) {
    const std::string log = mounted.audit();
    INFO(log);
    CHECK(verify_audit(log).has_value());
    auto policy = must(load_policy_folder(mounted.config.policy));
    for (const coffer::AuditRecord& record : must(read_audit_records(log))) {
        if (record.allow) continue;  // perhaps under a policy before this one
        INFO(record.sequence << ' ' << record.path << ": " << record.reason);
        auto explained = must(explain_record(policy, record));
        INFO(explained.difference);
        CHECK(explained.agrees);
    }
}

}  // namespace coffer::test
