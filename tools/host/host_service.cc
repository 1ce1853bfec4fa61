// SPDX-License-Identifier: Apache-2.0
#include "host/host_service.h"

#include <sys/stat.h>
#include <unistd.h>

namespace coffer {

Result<std::unique_ptr<StoredLog>> find_host_service() {
    struct stat status {};
    if (::stat(kStoreSocket, &status) != 0 || !S_ISSOCK(status.st_mode)) return nullptr;
    return StoredLog::connect(kStoreSocket);
}

std::filesystem::path socket_for(const std::filesystem::path& store) {
    auto service = find_host_service();
    if (service && !*service) return {};
    const bool ours =
        service ? (*service)->store_file() == store.native() : ::access(store.c_str(), R_OK) != 0;
    return ours ? kStoreSocket : "";
}

}  // namespace coffer
