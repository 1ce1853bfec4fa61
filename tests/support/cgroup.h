// SPDX-License-Identifier: Apache-2.0
//
// Cgroup: one of a test's own, in the hierarchy that names units here. Gone at the end, once its processes
// are, and with it the parents that it has made.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

namespace coffer::test {

class Cgroup {
  public:
    // `name` below the root: "x.slice", or "x.slice/y.service" whose parents are made where there are none.
    explicit Cgroup(std::string_view name) : path_(root()) {
        std::error_code ignored;
        for (const auto& part : std::filesystem::path(name)) {
            if (path_ /= part; std::filesystem::create_directory(path_, ignored)) levels_.push_back(path_);
        }
        made_ = std::filesystem::exists(path_ / "cgroup.procs");
    }
    ~Cgroup() {
        std::error_code ignored;
        for (int tries = 0; tries < 2000 && std::filesystem::exists(path_, ignored); ++tries) {
            if (!std::filesystem::remove(path_, ignored)) usleep(1000);  // its processes are ending
        }
        // From the innermost out, as long as nobody else's is inside.
        for (; !levels_.empty(); levels_.pop_back()) std::filesystem::remove(levels_.back(), ignored);
    }
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    // Where systemd's own hierarchy is beside version 2 it is the one that names units.
    [[nodiscard]] static std::filesystem::path root() {
        const std::filesystem::path base = "/sys/fs/cgroup";
        return std::filesystem::exists(base / "systemd/cgroup.procs") ? base / "systemd" : base;
    }
    // False where this process may not make cgroups.
    [[nodiscard]] bool made() const { return made_; }
    [[nodiscard]] bool add(pid_t process) const {
        std::ofstream members(path_ / "cgroup.procs");
        members << process << std::flush;
        return members.good();
    }

  private:
    std::filesystem::path path_;
    std::vector<std::filesystem::path> levels_;  // that were not there before
    bool made_ = false;
};

}  // namespace coffer::test
