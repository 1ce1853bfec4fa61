// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the audit log have in common: callers, decisions, and a look at the file.
#pragma once

#include <sys/stat.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "access/audit/audit.h"
#include "access/audit/audit_chain.h"
#include "support/catch.h"
#include "support/temp_folder.h"

namespace coffer::test {

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

inline std::vector<std::string> text_lines(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line + "\n");
    return out;
}

inline std::vector<nlohmann::json> lines_of(const std::filesystem::path& path) {
    std::vector<nlohmann::json> out;
    for (const std::string& line : text_lines(read_text(path))) out.push_back(nlohmann::json::parse(line));
    return out;
}

// How often a decision about this process is on record, counts of repeats included.
inline std::uint64_t times(const std::filesystem::path& path, pid_t tgid) {
    std::uint64_t count = 0;
    std::map<std::uint64_t, pid_t> whose;
    for (const auto& line : lines_of(path)) {
        if (line["kind"] == "decision") whose[line["seq"]] = line["tgid"];
        if (line["kind"] == "decision" && line["tgid"] == tgid) ++count;
        if (line["kind"] == "repeat" && whose.at(line["of"]) == tgid)
            count += line["count"].get<std::uint64_t>();
    }
    return count;
}

inline Caller caller(pid_t tgid = 100) {
    Caller out;
    out.tid = out.tgid = tgid;
    out.exe.path = "/usr/bin/quote\"and\\slash\xff";
    out.cgroup = read_cgroup_path("/system.slice/checkout.service");
    return out;
}

inline const AuditEvent kAllow{true, "open",           "acme/checkout/production/KEY", "rule", "",
                               3,    "acme/checkout/*"};
inline const AuditEvent kDeny{false, "lookup", "acme/checkout/production/KEY", "", "no rule allows it",
                              0,     ""};

inline std::unique_ptr<AuditLog> open_log(const std::filesystem::path& file,
                                          const std::filesystem::path& journal = {}) {
    auto log = AuditLog::open({file, journal});
    if (!log) FAIL(log.error().message);
    return std::move(*log);
}

}  // namespace coffer::test
