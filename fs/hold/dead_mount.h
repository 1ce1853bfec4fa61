// SPDX-License-Identifier: Apache-2.0
//
// A dead mount: one of coffer's whose daemon is gone without taking it off. Whoever looks into it gets
// ENOTCONN, and nothing can be mounted there.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace coffer {

// Takes a dead mount off, as root or through fusermount3; true when there was one. False when nothing is
// mounted there. Code::conflict when somebody serves it, when nobody answers within two seconds, and when it
// is none of coffer's. Forks, so for a process with one thread.
[[nodiscard]] Result<bool> take_off_dead_mount(const std::filesystem::path& path);
// Through fusermount3, at once for new callers.
[[nodiscard]] Result<void> unmount_as_user(const std::filesystem::path& path);

}  // namespace coffer
