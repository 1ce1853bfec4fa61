// SPDX-License-Identifier: Apache-2.0
//
// What cofferd may call, by the way in which its mount is made. Put on as early as that way allows: where
// coffer-mount holds the mount, or root mounts, before a key or the store is read; where fusermount3 mounts,
// which is setuid and could not be run any more, right after it has. Each step takes away what the one before
// needed.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace coffer {

enum class MountWay : std::uint8_t { by_holder, by_root, by_fusermount };

// Before there is a second thread.
[[nodiscard]] Result<void> confine_before_mount(MountWay way);
// Once it is mounted.
[[nodiscard]] Result<void> confine_for_serving(MountWay way);

}  // namespace coffer
