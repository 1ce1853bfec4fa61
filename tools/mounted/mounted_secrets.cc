// SPDX-License-Identifier: Apache-2.0
#include "mounted/mounted_secrets.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/descriptor.h"
#include "host/served_mount.h"
#include "input/value_source.h"
#include "keys/seal.h"
#include "names/name.h"

namespace coffer {
namespace {

// A plain folder at that place is never taken for the mount, and a mount without a daemon never waited for.
Result<void> check_served(const std::filesystem::path& mount) {
    COFFER_TRY(auto served, look_at_mount(mount));
    switch (served.state) {
        case ServedMount::State::absent:
        case ServedMount::State::foreign:
            return fail(Code::unavailable, "coffer is not mounted at ", mount.native(),
                        "; start cofferd, or name another mount with --mount");
        case ServedMount::State::silent:
            return fail(Code::unavailable, "nobody serves the mount at ", mount.native(),
                        "; see `coffer status`");
        case ServedMount::State::closed:
        case ServedMount::State::serving:
            return {};
    }
    return fail(Code::failed, "the mount at ", mount.native(), " is in no known state");
}

}  // namespace

Result<MountedSecrets> MountedSecrets::open(const std::filesystem::path& mount, const Scope& scope) {
    if (scope.project.empty() || scope.domain.empty())
        return fail(Code::invalid,
                    "the mount has a folder for each project and domain; expected both in place of ",
                    scope.text());
    COFFER_CHECK(check_served(mount));
    MountedSecrets out;
    out.folder_ = mount / scope.org / scope.project / scope.domain;
    std::unique_ptr<DIR, int (*)(DIR*)> listing(::opendir(out.folder_.c_str()), &::closedir);
    if (!listing && (errno == ENOENT || errno == EACCES))
        return fail(errno == ENOENT ? Code::not_found : Code::not_allowed, "this process sees nothing at ",
                    out.folder_.native(), "; `coffer policy explain --pid $$ ", scope.text(),
                    "/KEY` says why");
    if (!listing) return fail(Code::failed, "opening ", out.folder_.native(), ": ", errno_text());
    errno = 0;
    while (const dirent* entry = ::readdir(listing.get())) {
        if (check_key(entry->d_name)) out.keys_.emplace_back(entry->d_name);
        errno = 0;
    }
    if (errno != 0) return fail(Code::failed, "reading ", out.folder_.native(), ": ", errno_text());
    std::sort(out.keys_.begin(), out.keys_.end());
    return out;
}

Result<SecretBuffer> MountedSecrets::value(const std::string& key) const {
    return read_value_file(folder_ / key, kMaxValue, FileTrust::any);
}

}  // namespace coffer
