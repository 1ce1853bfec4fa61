// SPDX-License-Identifier: Apache-2.0
#include "mounted/mounted_values.h"

#include "host/served_mount.h"
#include "input/value_source.h"
#include "keys/seal.h"
#include "session.h"

namespace coffer {
namespace {

using State = ServedMount::State;

Result<std::filesystem::path> mount_point(const CommonOptions& common,
                                          const std::optional<std::string>& mount) {
    if (mount) {
        std::error_code error;
        const auto absolute = std::filesystem::absolute(*mount, error).lexically_normal();
        if (error || mount->empty())
            return fail(Code::invalid, "--mount: expected a folder, found \"", *mount, '"');
        return absolute.has_filename() ? absolute : absolute.parent_path();
    }
    COFFER_TRY(auto config, find_and_load_config(common));
    if (config.mount.empty())
        return fail(Code::invalid, "no `mount` in ", config.file.native(), "; give --mount DIR");
    return config.mount;
}

}  // namespace

// Looked at before it is read: a mount that nobody answers for holds its readers for ever.
Result<MountedValues> MountedValues::open(const CommonOptions& common,
                                          const std::optional<std::string>& mount) {
    COFFER_TRY(auto point, mount_point(common, mount));
    COFFER_TRY(auto found, look_at_mount(point));
    if (found.state == State::absent)
        return fail(Code::unavailable, "nothing is mounted at ", point.native(),
                    "; start cofferd, or name another mount with --mount; `coffer doctor` says more");
    if (found.state == State::foreign)
        return fail(Code::unavailable, "what is mounted at ", point.native(), " is ", found.type,
                    " and not coffer's; name the mount with --mount");
    if (found.state == State::silent)
        return fail(Code::unavailable, "nobody serves the mount at ", point.native(),
                    "; see `coffer doctor`");
    return MountedValues(std::move(point));
}

Result<SecretBuffer> MountedValues::read(const Scope& directory, std::string_view key) const {
    return read_value_file(mount_ / directory.org / directory.project / directory.domain / key, kMaxValue,
                           FileTrust::any);
}

}  // namespace coffer
