// SPDX-License-Identifier: Apache-2.0
//
// What a row of audit files says in all, repeats counted, and that their chain holds.
#pragma once

#include <nlohmann/json.hpp>
#include <set>

#include "support/mounted_store.h"
#include "support/tool.h"

namespace coffer::test {

class AuditFiles {
  public:
    explicit AuditFiles(MountedStore& mounted) : mounted_(mounted) {}

    // As logrotate does.
    void rotate() {
        const auto moved = concat(mounted_.config.audit_file.native(), '.', moved_.size());
        std::filesystem::rename(mounted_.config.audit_file, moved);
        moved_.push_back(moved);
        mounted_.signal(SIGHUP);
        REQUIRE(soon([&] { return std::filesystem::exists(mounted_.config.audit_file); }));
    }
    [[nodiscard]] std::vector<std::string> all() const {
        auto out = moved_;
        out.push_back(mounted_.config.audit_file);
        return out;
    }
    [[nodiscard]] std::size_t rotations() const { return moved_.size(); }
    [[nodiscard]] bool verifies() const {
        std::vector<std::string> words = {"coffer", "audit", "verify"};
        for (const std::string& file : all()) words.push_back(file);
        const Said said = run_tool(words);
        UNSCOPED_INFO(said.text);
        return said.status == 0;
    }
    // Openings that were allowed to these users, for all files. After the daemon has stopped.
    [[nodiscard]] std::uint64_t opened_by(const std::vector<uid_t>& users) const {
        std::uint64_t out = 0;
        std::set<std::uint64_t> counted;  // the numbers of the records that repeats may be of
        for (const std::string& file : all()) {
            std::ifstream lines(file);
            for (std::string line; std::getline(lines, line);) {
                const auto json = nlohmann::json::parse(line);
                const auto kind = json.value("kind", "");
                if (kind == "repeat" && counted.contains(json["of"]))
                    out += json["count"].get<std::uint64_t>();
                if (kind != "decision" || json["decision"] != "allow" || json["operation"] != "open")
                    continue;
                if (std::ranges::find(users, json["uid"].get<uid_t>()) == users.end()) continue;
                counted.insert(json["seq"].get<std::uint64_t>());
                ++out;
            }
        }
        return out;
    }

  private:
    MountedStore& mounted_;
    std::vector<std::string> moved_;
};

}  // namespace coffer::test
