// SPDX-License-Identifier: Apache-2.0
//
// FaultPlan: which call on files is to go wrong, and how; from the environment, where tests/crash/shim.py
// puts it:
//   COFFER_CRASH_FOLDER  only files in this folder count
//   COFFER_CRASH_FAULT   one of the kinds below; none: nothing goes wrong
//   COFFER_CRASH_AT      the number of the call, from 1
//   COFFER_CRASH_CALL    count only calls of this name (write, truncate, create, mkdir, rename, unlink, sync,
//   link) COFFER_CRASH_FILE    count only calls on files whose path ends so
#pragma once

#include <atomic>
#include <string>
#include <string_view>

namespace crash {

enum class Fault {
    none,
    kill,       // SIGKILL in place of the call
    kill_half,  // half of a write, then SIGKILL; before any other call
    eio,        // EIO, once
    eio_on,     // EIO from then on
    enospc,     // ENOSPC, once
    full,       // half of a write, then ENOSPC for whatever needs room
    brief,      // half of a write, once, with no error
};

class FaultPlan {
  public:
    static FaultPlan& instance();

    [[nodiscard]] bool concerns(std::string_view path) const;
    // Counts the call; the fault that it is to meet.
    [[nodiscard]] Fault next(std::string_view call, std::string_view path);

  private:
    FaultPlan();
    [[nodiscard]] Fault fault_of(unsigned number, std::string_view call) const;

    std::string folder_, call_, file_;
    Fault fault_ = Fault::none;
    unsigned at_ = 0;
    std::atomic<unsigned> calls_{0};
};

}  // namespace crash
