// SPDX-License-Identifier: Apache-2.0
//
// Unmounter: a process that takes a user's mount off when it is told to. fusermount3 is setuid, and what has
// put a filter of system calls on itself cannot run it with its rights any more; so this child, which holds
// nothing and does nothing else, is made before. It ends with the one that made it, without unmounting if
// that one was killed: then the dead mount is the next daemon's to find.
#pragma once

#include <sys/types.h>

#include <filesystem>

#include "base/descriptor.h"
#include "base/result.h"

namespace coffer {

class Unmounter {
  public:
    // Forks, so for a process with one thread, and before it holds a secret.
    [[nodiscard]] static Result<Unmounter> start(const std::filesystem::path& mount);
    Unmounter(Unmounter&& other) noexcept;
    Unmounter& operator=(Unmounter&&) = delete;
    ~Unmounter();

    // Once: returns when the mount is off the tree.
    [[nodiscard]] Result<void> unmount();

  private:
    Unmounter(Descriptor word, pid_t child) : word_(std::move(word)), child_(child) {}
    [[nodiscard]] int end();

    Descriptor word_;  // a socket; its end is an end without the word
    pid_t child_;
};

}  // namespace coffer
