// SPDX-License-Identifier: Apache-2.0
//
// HostService: whether coffer-stored serves this host, at the place where it always does, for `init`, which
// has no configuration yet that would say so.
#pragma once

#include <filesystem>
#include <memory>

#include "service/stored_log.h"

namespace coffer {

// Null where this host has none. An error when it has one that this user cannot use.
[[nodiscard]] Result<std::unique_ptr<StoredLog>> find_host_service();

// What `store_socket` has to be for who joins the store in this file: empty, unless the file is that of the
// service, or cannot be read but through it.
[[nodiscard]] std::filesystem::path socket_for(const std::filesystem::path& store);

}  // namespace coffer
