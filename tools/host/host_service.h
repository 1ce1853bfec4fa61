// SPDX-License-Identifier: Apache-2.0
//
// HostService: whether coffer-stored serves this host, at the place where it always does, for `init`, which
// has no configuration yet that would say so.
#pragma once

#include <filesystem>
#include <memory>

#include "service/stored_log.h"

namespace coffer {

// Where systemd looks for credentials, in the clear and sealed. cofferd.service takes the host's identity
// from there, so that the file is root's and the daemon can only read it.
inline constexpr const char* kPlainIdentity = "/etc/credstore/coffer.host.identity.plain";
inline constexpr const char* kSealedIdentity = "/etc/credstore.encrypted/coffer.host.identity";

// Null where this host has none. An error when it has one that this user cannot use.
[[nodiscard]] Result<std::unique_ptr<StoredLog>> find_host_service();

// What `store_socket` has to be for who joins the store in this file: empty, unless the file is that of the
// service, or cannot be read but through it.
[[nodiscard]] std::filesystem::path socket_for(const std::filesystem::path& store);

}  // namespace coffer
