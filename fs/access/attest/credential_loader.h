// SPDX-License-Identifier: Apache-2.0
//
// Is this systemd at work on LoadCredential=? Its manager forks, enters the unit's cgroup and reads the files
// as uid 0, before it becomes the unit's user: version 252 by its own executable, "(sd-mkdcreds)"; later ones
// by systemd-executor. systemd.exec(5), "LoadCredential=".
#pragma once

#include "access/attest/caller.h"

namespace coffer {

// uid 0 in the daemon's user namespace, in a unit, and running what process 1 runs, or root's
// systemd-executor.
[[nodiscard]] bool is_credential_loader(const Caller& caller);

}  // namespace coffer
