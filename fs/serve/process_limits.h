// SPDX-License-Identifier: Apache-2.0
//
// What the daemon asks of its own process before it holds any key.
#pragma once

#include <cstdint>

#include "base/result.h"

namespace coffer {

// No core dumps, and no reading of this process's memory through /proc by others of its uid.
[[nodiscard]] Result<void> forbid_dumps();
// Raises the soft limits on locked memory and descriptors to the hard ones. Code::limit when fewer than
// `locked_bytes` could be locked; a process with CAP_IPC_LOCK has no such limit.
[[nodiscard]] Result<void> raise_limits(std::uint64_t locked_bytes);

}  // namespace coffer
