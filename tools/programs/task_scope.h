// SPDX-License-Identifier: Apache-2.0
//
// TaskScope: a task where systemd runs: a scope in the slice, which systemd-run(1) makes around itself before
// it becomes the task. So the task is a child of this process as any other, with its terminal, environment
// and end; a service would have none of them, and would live on when systemd-run is interrupted.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace coffer {

class TaskScope {
  public:
    // Of the system's manager for root, else of the user's own.
    explicit TaskScope(std::string slice);

    // What runs the command in it. Code::not_found and Code::not_allowed as execvp(3) would find it,
    // Code::unavailable where the user's manager does not run.
    [[nodiscard]] Result<std::vector<std::string>> words(const std::vector<std::string>& command) const;
    // Ends what the task has left running: SIGTERM and SIGHUP, and SIGKILL ten seconds later.
    [[nodiscard]] Result<void> end() const;

  private:
    std::string slice_, name_;
    bool is_system_;
};

}  // namespace coffer
