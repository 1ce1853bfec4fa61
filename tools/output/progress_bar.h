// SPDX-License-Identifier: Apache-2.0
//
// ProgressBar: how far a long command is, on stderr and only where that is a terminal. Gone at the end.
#pragma once

#include <cstddef>
#include <string_view>

namespace coffer {

class ProgressBar {
  public:
    ProgressBar(std::string_view verb, std::size_t total);
    ~ProgressBar();
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    void show(std::size_t done);

  private:
    std::string_view verb_;
    std::size_t total_;
    bool visible_;
};

}  // namespace coffer
