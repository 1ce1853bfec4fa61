// SPDX-License-Identifier: Apache-2.0
//
// Trace: what programs have changed in the watched folder, in order, in the file that COFFER_CRASH_TRACE
// names. One line for each call, with its data behind it; tests/crash/disk.py makes of it what a disk may
// hold after a loss of power. A lock on the file is held over the call and its line, so that the order is
// that of the calls, also of several programs.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace crash {

class Trace {
  public:
    // From here to the end of the object's life nobody else's call comes in between. Without a trace:
    // nothing.
    Trace();
    ~Trace();
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    void add(std::string_view line, const void* data = nullptr, std::size_t size = 0) const;

  private:
    int fd_ = -1;
};

}  // namespace crash
