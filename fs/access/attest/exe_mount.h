// SPDX-License-Identifier: Apache-2.0
//
// Who answers when an executable is read: the kernel, or a program of somebody's. What is read from a FUSE
// file system is up to the process behind it, which may show another content to each reader, or keep the
// reader waiting for ever, so that not even a signal frees it. The same goes for an overlay that somebody has
// put over one in namespaces of its own: the kernel asks the layers with the rights of who has mounted the
// overlay, and so lets nobody's "others may not" protect the reader. So this is found out before the file is
// opened, from tables of mounts alone: statfs(2) would ask the server as well.
#pragma once

#include <span>

#include "access/attest/proc_folder.h"
#include "base/mount_table.h"

namespace coffer {

// Is this mount's file system the kernel's own work? No for FUSE; for an overlay only where it is in
// `trusted` too, the table of a namespace in which root alone mounts overlays. Pure.
[[nodiscard]] bool is_kernels(const MountEntry& mount, std::span<const MountEntry> trusted);

// Of the process's executable; no where it cannot be told.
[[nodiscard]] bool exe_is_kernels(const ProcFolder& process);

}  // namespace coffer
