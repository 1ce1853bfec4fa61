// SPDX-License-Identifier: Apache-2.0
//
// TestUnit: a cgroup that looks like a systemd unit, `NAME.service` in a slice of this process's, in the
// hierarchy that names units here. Removed with what is below it once its processes are gone.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/client.h"

namespace coffer::test {

class TestUnit {
  public:
    explicit TestUnit(const std::string& name) {
        // Where systemd's own hierarchy is beside version 2 it is the one that names units.
        std::filesystem::path root = "/sys/fs/cgroup";
        if (std::filesystem::exists(root / "systemd/cgroup.procs")) root /= "systemd";
        slice_ = root / ("coffer-test-" + std::to_string(getpid()) + ".slice");
        group_ = slice_ / name;
        std::error_code error;
        std::filesystem::create_directories(group_, error);
        usable_ = std::filesystem::exists(group_ / "cgroup.procs");
    }
    ~TestUnit() {
        std::error_code ignored;
        for (int tries = 0; tries < 1000 && std::filesystem::exists(group_, ignored); ++tries) {
            if (!std::filesystem::remove(group_, ignored)) usleep(1000);  // its processes are ending
        }
        std::filesystem::remove(slice_, ignored);  // unless another unit is in it
    }
    TestUnit(const TestUnit&) = delete;
    TestUnit& operator=(const TestUnit&) = delete;

    [[nodiscard]] bool usable() const { return usable_; }
    // A member from now on; only root may do that.
    [[nodiscard]] bool take(pid_t process) const {
        std::ofstream members(group_ / "cgroup.procs");
        members << process << std::flush;
        return members.good();
    }

  private:
    std::filesystem::path slice_, group_;
    bool usable_ = false;
};

// In the unit, and only then this user.
template <class Body>
Outcome in_unit(const TestUnit& unit, const Who& who, Body body) {
    return as(kRoot, [&] {
        if (!unit.take(getpid())) return Outcome{kClientCrashed, "the cgroup takes no members"};
        return become(who) ? body() : failed();
    });
}

}  // namespace coffer::test
