// SPDX-License-Identifier: Apache-2.0
//
// Where the file system is mounted. Nothing here ever looks into a directory on which something is mounted
// already: a mount whose daemon is gone makes every stat of it wait for ever.
#pragma once

#include <filesystem>

#include "base/descriptor.h"
#include "base/result.h"

namespace coffer {

// The absolute path as the table of mounts has it, without a look at the directory itself.
[[nodiscard]] Result<std::filesystem::path> mount_point_path(const std::filesystem::path& path);
// The absolute path of an existing, empty directory on which nothing is mounted, in folders that only root
// and this user can change.
[[nodiscard]] Result<std::filesystem::path> check_mount_point(const std::filesystem::path& path);

// Mounts as root: mount(2) on a descriptor of /dev/fuse, which is returned. INIT waits to be read from it.
[[nodiscard]] Result<Descriptor> mount_as_root(const std::filesystem::path& path);
// Takes the mount off the tree, at once for new callers; open files stay until they are closed.
[[nodiscard]] Result<void> unmount_as_root(const std::filesystem::path& path);

}  // namespace coffer
