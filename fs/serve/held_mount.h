// SPDX-License-Identifier: Apache-2.0
//
// HeldMount: the daemon's end of a hand-over (hold/hand_over.h): a mount that coffer-mount holds and this
// process serves for a while. Not thread-safe but for connection().
#pragma once

#include <filesystem>

#include "base/descriptor.h"
#include "hold/hand_over.h"

namespace coffer {

class HeldMount {
  public:
    // Connects, and waits until coffer-mount has no other daemon. Code::unavailable when nobody listens,
    // Code::not_allowed when this user may not serve, Code::conflict for another version of the record:
    // coffer-mount has to be restarted, which mounts afresh.
    [[nodiscard]] static Result<HeldMount> take(const std::filesystem::path& socket);

    [[nodiscard]] std::filesystem::path path() const { return record_.path.data(); }
    [[nodiscard]] const HandOver& record() const { return record_; }
    [[nodiscard]] Descriptor take_device() { return std::move(device_); }
    // Readable once coffer-mount has ended: the mount is gone, or soon will be.
    [[nodiscard]] int connection() const { return connection_.get(); }
    // To be said when every request that was taken has been answered.
    void say_drained() const;

  private:
    Descriptor connection_, device_;
    HandOver record_;
};

}  // namespace coffer
