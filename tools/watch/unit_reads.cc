// SPDX-License-Identifier: Apache-2.0
#include "watch/unit_reads.h"

#include "access/audit/audit_record.h"
#include "access/policy/policy_rule.h"

namespace coffer {

Result<void> UnitReads::read(AuditLines& lines) {
    for (;;) {
        COFFER_TRY(auto line, lines.next());
        if (!line) return {};
        // What is no record is `audit verify`'s to judge.
        auto record = read_audit_record(*line);
        if (!record || !*record) continue;
        const AuditRecord& one = **record;
        if (one.allow && one.operation == "open" && one.version != 0 && !one.caller.cgroup.unit.empty())
            reads_[one.path].insert_or_assign(one.caller.cgroup.unit, Read{one.scope, one.version});
    }
}

Result<void> UnitReads::catch_up() {
    for (; files_.size() > 1; files_.erase(files_.begin())) {
        COFFER_TRY(auto earlier, AuditLines::open(files_.front()));
        COFFER_CHECK(read(earlier));
    }
    for (;;) {
        if (!lines_) {
            auto lines = AuditLines::open(files_.front());
            // Nobody has been served yet, or the file was moved and its successor is still to come.
            if (!lines && lines.error().code == Code::not_found) return {};
            if (!lines) return Failure(std::move(lines).error());
            lines_ = *std::move(lines);
        }
        // A file that was rotated away is read to its end first: what was written to it before the look at
        // the path is there.
        const bool rotated = lines_->was_rotated();
        COFFER_CHECK(read(*lines_));
        if (!rotated) return {};
        lines_.reset();
    }
}

// Versions count up within one scope; another scope is another secret.
bool UnitReads::is_older(const Read& read, const std::optional<Secret>& shown) {
    if (!shown || !shown->live || shown->name.scope.text() != read.scope) return true;
    return read.version < shown->live->version;
}

void UnitReads::add_stale(const Policy& policy, const AffectedPath& path,
                          std::set<std::string>& units) const {
    auto found = reads_.find(path.text());
    if (found == reads_.end()) return;
    for (const Rule& rule : policy.rules()) {
        if (!rule.on_change || !rule.matches({path.org, path.project, path.domain, path.key})) continue;
        for (const std::string& unit : rule.on_change->reload) {
            auto read = found->second.find(unit);
            if (read != found->second.end() && is_older(read->second, path.shown)) units.insert(unit);
        }
    }
}

}  // namespace coffer
