// SPDX-License-Identifier: Apache-2.0
//
// What a request is answered with when it is not granted: an errno, and nothing else leaves the daemon. The
// one table from Code to errno is here; docs/man/cofferd.8 lists what each means to a caller.
#pragma once

#include "base/result.h"

namespace coffer {

struct Errno {
    int value = 0;
    bool operator==(const Errno&) const = default;
};

// The answer to a request. Allocates nothing on refusal, unlike a Result, for refusals are on the hot path.
template <class T = void>
using Answer = tl::expected<T, Errno>;

[[nodiscard]] inline tl::unexpected<Errno> answer_errno(int value) {
    return tl::unexpected<Errno>(Errno{value});
}

[[nodiscard]] int to_errno(Code code);
[[nodiscard]] inline tl::unexpected<Errno> answer_error(const Error& error) {
    return answer_errno(to_errno(error.code));
}

}  // namespace coffer
