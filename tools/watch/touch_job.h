// SPDX-License-Identifier: Apache-2.0
//
// TouchJob: a child that waits until a mount serves a revision, and then touches files there, so that inotify
// fires for who watches them: opened for writing, cut to the size that they have, closed. The daemon takes
// that from coffer-watch.service alone and changes nothing (docs/design.md, "Watchers").
//
// A child, since whoever asks a mount that nobody serves may wait for ever, and not even SIGKILL ends that
// where the kernel waits for the daemon. Its parent never waits for it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/descriptor.h"

namespace coffer {

struct TouchOrder {
    std::filesystem::path mount;
    std::uint64_t revision = 0;      // to be served first
    std::vector<std::string> files;  // below the mount; none: only wait for the revision
};

struct TouchReport {
    enum class End {
        done,
        behind,  // the daemon has not come to the revision in time
        closed,  // this user may not see /.coffer/revision
        nobody,  // nobody answers
    };
    End end = End::nobody;
    std::vector<std::string> problems;  // "PATH: what": files that could not be touched
};

class TouchJob {
  public:
    [[nodiscard]] static Result<TouchJob> start(const TouchOrder& order);
    ~TouchJob();
    TouchJob(TouchJob&& other) noexcept;
    TouchJob& operator=(TouchJob&& other) noexcept;

    // Nothing while it works.
    [[nodiscard]] std::optional<TouchReport> look();
    [[nodiscard]] std::chrono::steady_clock::time_point started() const { return started_; }
    void kill() const;

  private:
    TouchJob(pid_t child, Descriptor from) : child_(child), from_(std::move(from)) {}
    void take_text();
    pid_t child_ = -1;
    Descriptor from_;   // what the child has to say, a problem a line
    std::string text_;  // of it so far
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace coffer
