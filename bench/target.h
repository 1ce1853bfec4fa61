// SPDX-License-Identifier: Apache-2.0
//
// Target: one side of a comparison, a file or several that are taken in turn, timed under a sequence.
#pragma once

#include <string>
#include <vector>

#include "sequence.h"

class Target {
  public:
    // `text` is a path, or @FILE: the paths that FILE lists, one a line. Throws for an empty list.
    explicit Target(const std::string& text);

    // The sequence once, on the next file. Throws std::runtime_error, naming it, when that fails.
    void use(const Sequence& sequence);
    // Microseconds for one sequence, the mean of `repeats`.
    double time(const Sequence& sequence, int repeats);
    [[nodiscard]] std::size_t size() const { return paths_.size(); }

  private:
    std::vector<std::string> paths_;
    std::size_t next_ = 0;
};
