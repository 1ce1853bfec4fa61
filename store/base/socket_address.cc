// SPDX-License-Identifier: Apache-2.0
#include "base/socket_address.h"

#include <cstring>

namespace coffer {

Result<sockaddr_un> socket_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.empty() || text.size() >= sizeof address.sun_path)
        return fail(Code::invalid, "the path of a socket has 1 to ", sizeof address.sun_path - 1,
                    " bytes, found ", text.size(), ": \"", text, '"');
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

}  // namespace coffer
