// SPDX-License-Identifier: Apache-2.0
//
// StopSignal: SIGTERM and SIGINT for a command that has no end of its own: blocked, and looked for between
// two steps, so that a step is never cut in two. For the life of the process.
#pragma once

#include <chrono>

#include "base/descriptor.h"

namespace coffer {

class StopSignal {
  public:
    [[nodiscard]] static Result<StopSignal> create();
    [[nodiscard]] bool came();
    // Waits for it or for this time, or until `other` can be read.
    [[nodiscard]] bool wait(std::chrono::milliseconds time, int other = -1);

  private:
    explicit StopSignal(Descriptor signals) : signals_(std::move(signals)) {}
    Descriptor signals_;
};

}  // namespace coffer
