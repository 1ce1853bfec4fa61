// SPDX-License-Identifier: Apache-2.0
#include "mounted/mounted_secrets.h"

#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "host/served_mount.h"
#include "input/value_source.h"
#include "names/name.h"
#include "session.h"

namespace coffer {
namespace {

// It has no version: it is made of secrets, each of which is there by itself if it is to be had.
bool is_rendered(const std::filesystem::path& file) {
    return ::lgetxattr(file.c_str(), "user.coffer.version", nullptr, 0) < 0 && errno == ENODATA;
}

}  // namespace

Result<Scope> parse_directory(std::string_view text) {
    COFFER_TRY(auto scope, Scope::parse(text));
    if (scope.project.empty() || scope.domain.empty())
        return fail(Code::invalid,
                    "expected a scope with a project and a domain, as a directory of the mount has, such as "
                    "acme/checkout/production; found ",
                    scope.text());
    return scope;
}

Result<std::filesystem::path> mount_point(const CommonOptions& common,
                                          const std::optional<std::string>& given) {
    if (given) {
        std::error_code error;
        const auto path = std::filesystem::absolute(*given, error).lexically_normal();
        if (error || given->empty())
            return fail(Code::invalid, "--mount: expected a folder, found \"", *given, '"');
        return path.has_filename() ? path : path.parent_path();
    }
    COFFER_TRY(auto config, find_and_load_config(common));
    if (config.mount.empty())
        return fail(Code::invalid, "no mount to read from: give --mount DIR, or `mount` in ",
                    config.file.native());
    return config.mount;
}

Result<MountedSecrets> MountedSecrets::open(std::filesystem::path mount) {
    COFFER_TRY(auto found, look_at_mount(mount));
    switch (found.state) {
        case ServedMount::State::absent:
            return fail(Code::unavailable, "nothing is mounted at ", mount.native(),
                        "; start cofferd, or name another mount with --mount; `coffer doctor` says more");
        case ServedMount::State::foreign:
            return fail(Code::unavailable, "what is mounted at ", mount.native(), " is ", found.type,
                        " and not coffer's; name the mount with --mount");
        case ServedMount::State::silent:
            return fail(Code::unavailable, "nobody serves the mount at ", mount.native(),
                        "; see `coffer status`");
        case ServedMount::State::closed:
        case ServedMount::State::serving:
            break;
    }
    return MountedSecrets(std::move(mount));
}

Result<std::vector<std::string>> MountedSecrets::keys(const Scope& directory) const {
    std::vector<std::string> out;
    std::error_code error;
    std::filesystem::directory_iterator entry(folder(directory), error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
        std::string key = entry->path().filename();
        if (check_key(key) && !is_rendered(entry->path())) out.push_back(std::move(key));
    }
    if (error && error != std::errc::no_such_file_or_directory && error != std::errc::permission_denied)
        return fail(Code::failed, "listing ", folder(directory).native(), ": ", error.message());
    if (out.empty())
        return fail(Code::not_found, "this process may read nothing in ", folder(directory).native(),
                    "; `coffer policy explain --pid $$ ", directory.text(), "/KEY` says why");
    std::sort(out.begin(), out.end());
    return out;
}

Result<SecretBuffer> MountedSecrets::read(const Scope& directory, std::string_view key) const {
    return read_mounted_file(folder(directory) / key);
}

}  // namespace coffer
