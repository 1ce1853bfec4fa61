// SPDX-License-Identifier: Apache-2.0
//
// The address of a unix socket that has a path. Pure.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>

#include "base/result.h"

namespace coffer {

// For connect(2), bind(2) and sendto(2), in its full size. Code::invalid: empty, or over 107 bytes.
[[nodiscard]] Result<sockaddr_un> socket_address(const std::filesystem::path& path);

}  // namespace coffer
