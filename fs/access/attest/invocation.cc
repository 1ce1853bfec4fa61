// SPDX-License-Identifier: Apache-2.0
#include "access/attest/invocation.h"

#include <unistd.h>

#include <array>

#include "base/bytes.h"

namespace coffer {

std::string read_invocation_id(std::string_view unit, const std::filesystem::path& folder) {
    if (unit.empty() || unit.find('/') != unit.npos) return {};
    std::string link = concat(folder.native(), "/invocation:", unit);
    char buffer[64];
    ssize_t size = ::readlink(link.c_str(), buffer, sizeof buffer);
    if (size <= 0) return {};
    std::string_view id(buffer, static_cast<std::size_t>(size));
    std::array<std::uint8_t, 16> bytes{};
    return from_hex(id, bytes) ? std::string(id) : std::string();
}

}  // namespace coffer
