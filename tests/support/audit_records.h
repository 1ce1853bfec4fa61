// SPDX-License-Identifier: Apache-2.0
//
// The decisions of an audit log, to look for the record of one attack.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "support/client.h"

namespace coffer::test {

// One record of kind "decision"; what the line does not say is empty or 0.
struct AuditRecord {
    std::string decision, operation, path, exe, unit, reason;
    pid_t tid = 0, tgid = 0;
    uid_t uid = 0;
};

inline std::vector<AuditRecord> audit_records(const std::string& log) {
    std::vector<AuditRecord> out;
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
        auto json = nlohmann::json::parse(line);
        if (json["kind"] != "decision") continue;
        AuditRecord one;
        one.decision = json.value("decision", "");
        one.operation = json.value("operation", "");
        one.path = json.value("path", "");
        one.exe = json.value("exe", "");
        one.unit = json.value("unit", "");
        one.reason = json.value("reason", "");
        one.tid = json.value("tid", 0);
        one.tgid = json.value("tgid", 0);
        one.uid = json.value("uid", uid_t{0});
        out.push_back(std::move(one));
    }
    return out;
}

template <class Wanted>
std::ptrdiff_t count_records(const std::string& log, Wanted wanted) {
    const auto records = audit_records(log);
    return std::count_if(records.begin(), records.end(), wanted);
}

}  // namespace coffer::test
