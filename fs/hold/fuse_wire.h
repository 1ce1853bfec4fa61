// SPDX-License-Identifier: Apache-2.0
//
// The few messages of the kernel's FUSE protocol (linux/fuse.h) that are written without libfuse: the answer
// to INIT, the notification RESEND, and an error for whatever is asked while no daemon serves. Nothing beyond
// the header of a request is looked at.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace coffer {

// Reads the first request from a fresh mount, which must be INIT, and answers it as libfuse does for the
// callbacks of cofferd (a test compares them): what is agreed here is version HandOver::kVersion. Gives the
// request as it came.
[[nodiscard]] Result<std::vector<std::uint8_t>> answer_init(int device);
// Does the kernel that sent this INIT have FUSE_NOTIFY_RESEND?
[[nodiscard]] bool can_resend(std::span<const std::uint8_t> init);

// The kernel sends again what was taken and not answered. Code::unavailable where it cannot (before 6.9).
[[nodiscard]] Result<void> ask_to_resend(int device);
// No name that the kernel has kept is good any more (FUSE_NOTIFY_INC_EPOCH). Code::unavailable before 6.16.
[[nodiscard]] Result<void> forget_names(int device);

// Takes one request, if there is one, and answers it with ENOTCONN. Code::unavailable when the mount is gone.
[[nodiscard]] Result<void> refuse_one(int device, std::span<std::uint8_t> buffer);

// Requests that nobody waits for, RELEASE above all, of which the kernel passes on so many before earlier
// ones are answered. Its own choice, 12, is less than what some sixty processes that read without a pause
// make: their closed files would stay open here, ever more of them, up to the limit of their user. Not
// without end, since others wait behind those of somebody who closes thousands at once.
inline constexpr std::uint16_t kMaxBackground = 1024;

inline constexpr std::size_t kRequestBuffer = (1u << 20) + 4096;  // as large as the kernel may ever ask for

}  // namespace coffer
