// SPDX-License-Identifier: Apache-2.0
//
// TaskCgroup: the cgroups of a slice and of one task in it, as systemd would make them, on a host where it
// does not run. In the hierarchy that names units. Gone with this object, as far as nobody else is inside.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace coffer {

class TaskCgroup {
  public:
    // Code::not_allowed where this user may not make cgroups.
    [[nodiscard]] static Result<TaskCgroup> make(const std::string& slice);
    ~TaskCgroup();
    TaskCgroup(TaskCgroup&& other) noexcept = default;
    TaskCgroup& operator=(TaskCgroup&&) = delete;

    // This process, and what it starts from now on; and back where it was.
    [[nodiscard]] Result<void> enter() const;
    void leave() const;

  private:
    TaskCgroup() = default;
    std::filesystem::path before_, task_;      // of this process; of the task
    std::vector<std::filesystem::path> made_;  // from the outermost in
};

}  // namespace coffer
