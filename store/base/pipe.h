// SPDX-License-Identifier: Apache-2.0
//
// Pipe: both ends of a pipe, which no program that is started gets by itself.
#pragma once

#include <fcntl.h>

#include <array>

#include "base/descriptor.h"

namespace coffer {

struct Pipe {
    [[nodiscard]] static Result<Pipe> make() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(Code::failed, "pipe2: ", errno_text());
        return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
    }
    Descriptor read_end, write_end;
};

}  // namespace coffer
