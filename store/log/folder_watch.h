// SPDX-License-Identifier: Apache-2.0
//
// FolderWatch: waits until something happens to the files of one folder whose names start with a prefix.
// inotify(7); a folder and not a file is watched, so that a file that is replaced is noticed too.
// One thread at a time.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"

namespace coffer {

class FolderWatch {
  public:
    [[nodiscard]] static Result<FolderWatch> open(const std::filesystem::path& folder, std::string prefix);
    // True when a file was written, made, moved or removed; false when `timeout` is over.
    [[nodiscard]] Result<bool> wait(std::chrono::milliseconds timeout);

  private:
    FolderWatch(Descriptor inotify, std::string prefix)
        : inotify_(std::move(inotify)), prefix_(std::move(prefix)) {}
    [[nodiscard]] bool drain();  // whether an event was about one of ours
    Descriptor inotify_;
    std::string prefix_;
};

}  // namespace coffer
