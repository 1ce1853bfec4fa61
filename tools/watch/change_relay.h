// SPDX-License-Identifier: Apache-2.0
//
// ChangeRelay: holds changed secrets back until the mount serves them, since whoever is told earlier would
// read the old value; then has their files touched and units reloaded. What changes meanwhile is
// collected, a secret once. Never waits: at most one child is at work, and a mount that hangs holds up
// nothing else.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <set>

#include "output/output.h"
#include "watch/touch_job.h"
#include "watch/unit_reads.h"

namespace coffer {

class ChangeRelay {
  public:
    struct Settings {
        std::filesystem::path mount;
        bool touch = false;
        std::optional<std::filesystem::path> reload_by;  // the policy folder; none: nothing is reloaded
        std::vector<std::string> audit_files;            // as UnitReads has them
    };
    explicit ChangeRelay(Settings settings);

    void add(std::uint64_t revision, const SecretName& name);
    // One step. Problems are told as they come and when they are over.
    void step(View& view, Output& out);

  private:
    using Clock = std::chrono::steady_clock;
    [[nodiscard]] Result<void> start(View& view);
    void finish(const TouchReport& report, View& view, Output& out);
    [[nodiscard]] Result<void> reload(View& view, Output& out);
    void note_problem(Output& out, std::string problem);

    const Settings settings_;
    UnitReads reads_;
    std::set<SecretName> waiting_, at_work_;
    std::uint64_t revision_ = 0;  // of the last change
    std::optional<TouchJob> job_;
    Clock::time_point not_before_{};  // the next try
    std::string problem_;             // as told
};

}  // namespace coffer
