// SPDX-License-Identifier: Apache-2.0
//
// UnitReads: which version of which path each unit has opened last, as the audit log tells, and which units
// are to be reloaded for it. What was rotated away before the start is known where its file is given too.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "access/policy/policy.h"
#include "input/audit_lines.h"
#include "watch/changed_secret.h"

namespace coffer {

class UnitReads {
  public:
    // The oldest file first; the last one is the one that is being written, and may not be there yet.
    explicit UnitReads(std::vector<std::string> files) : files_(std::move(files)) {}

    // Reads what was written since, over a rotation too.
    [[nodiscard]] Result<void> catch_up();
    // The units of the rules about this path that have read another version than it shows now.
    void add_stale(const Policy& policy, const AffectedPath& path, std::set<std::string>& units) const;

  private:
    struct Read {
        std::string scope;
        std::uint64_t version = 0;
    };
    [[nodiscard]] Result<void> read(AuditLines& lines);
    [[nodiscard]] static bool is_older(const Read& read, const std::optional<Secret>& shown);
    std::vector<std::string> files_;
    std::optional<AuditLines> lines_;                                        // of the last file
    std::map<std::string, std::map<std::string, Read>, std::less<>> reads_;  // by path, by unit
};

}  // namespace coffer
