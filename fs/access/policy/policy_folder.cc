// SPDX-License-Identifier: Apache-2.0
#include "access/policy/policy_folder.h"

#include <fcntl.h>

#include <algorithm>

#include "access/config/owned_file.h"
#include "base/descriptor.h"
#include "base/file.h"
#include "base/trusted_path.h"

namespace coffer {

Result<std::vector<std::filesystem::path>> list_policy_files(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        std::string name = entry.path().filename().string();
        if (!name.starts_with('.') && name.ends_with(".toml")) files.push_back(entry.path());
    }
    if (error) return fail(Code::failed, "cannot list ", folder.string(), ": ", error.message());
    std::sort(files.begin(), files.end());
    return files;
}

Result<std::shared_ptr<const Policy>> load_policy_folder(const std::filesystem::path& folder) {
    Descriptor held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!held)
        return fail(errno == ENOENT ? Code::not_found : Code::failed, "cannot open the policy folder ",
                    folder.string(), ": ", errno_text());
    struct stat status {};
    if (fstat(held.get(), &status) != 0)
        return fail(Code::failed, "cannot examine ", folder.string(), ": ", errno_text());
    COFFER_CHECK(check_folders_above(folder));
    COFFER_CHECK(check_owner(status, folder.native()));

    COFFER_TRY(auto files, list_policy_files(folder));
    std::vector<PolicySource> sources;
    for (const auto& file : files) {
        COFFER_TRY(auto text, read_owned_file(file));
        sources.push_back({file.string(), std::move(text)});
    }
    return Policy::parse(sources);
}

}  // namespace coffer
