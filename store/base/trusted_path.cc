// SPDX-License-Identifier: Apache-2.0
#include "base/trusted_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <list>

#include "base/descriptor.h"

namespace coffer {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel's own

struct Trusted {
    const std::filesystem::path& path;
    std::optional<uid_t> also;

    [[nodiscard]] bool owns(uid_t uid) const { return uid == 0 || uid == ::geteuid() || uid == also; }
    [[nodiscard]] Failure refusal(std::string_view place, std::string_view why, std::string_view mend) const {
        return fail(Code::not_allowed, place, ' ', why, ", who could put something else in the place of ",
                    path.string(), "; ", mend);
    }
    [[nodiscard]] Result<void> check_owner_of(std::string_view place, uid_t uid) const {
        if (owns(uid)) return {};
        return refusal(place, concat("belongs to uid ", uid),
                       concat("expected root or uid ", ::geteuid(), ": `chown -h ", ::geteuid(), ' ', place,
                              "`, or keep the file elsewhere"));
    }
    [[nodiscard]] Result<void> check_folder(const std::string& folder, const struct stat& status) const {
        COFFER_CHECK(check_owner_of(folder, status.st_uid));
        if ((status.st_mode & S_ISVTX) != 0) return {};
        const bool own_group =
            status.st_gid == 0 || (status.st_gid == ::getegid() && status.st_gid == ::geteuid());
        const mode_t open = S_IWOTH | (own_group ? mode_t{0} : mode_t{S_IWGRP});
        if ((status.st_mode & open) == 0) return {};
        return refusal(folder, "can be written by its group or by others",
                       concat("run `chmod go-w ", folder, '`'));
    }
};

// The way to a file, a name at a time, with the names of each symbolic link in the place of the link.
class Way {
  public:
    explicit Way(const std::filesystem::path& path) { insert(path); }

    // The next folder; nothing at the end, at what is missing, and at what nobody could open. A link on the
    // way has to belong to whom a folder would.
    [[nodiscard]] Result<std::optional<std::filesystem::path>> next(const Trusted& trusted) {
        while (!rest_.empty()) {
            const std::string part = rest_.front();
            rest_.pop_front();
            if (part.empty() || part == ".") continue;
            if (part == "..") {
                here_ = here_.parent_path();  // it was checked on the way down
                continue;
            }
            const auto found = here_ / part;
            struct stat status {};
            if (::lstat(found.c_str(), &status) != 0) return std::nullopt;
            if (S_ISLNK(status.st_mode)) {
                COFFER_CHECK(trusted.check_owner_of(found.string(), status.st_uid));
                std::error_code problem;
                const auto target = std::filesystem::read_symlink(found, problem);
                if (problem || ++links_ > kMaxLinks) return std::nullopt;
                insert(target);
                continue;
            }
            if (!S_ISDIR(status.st_mode) || rest_.empty()) return std::nullopt;
            return here_ = found;
        }
        return std::nullopt;
    }

  private:
    void insert(const std::filesystem::path& path) {
        if (path.is_absolute()) here_ = "/";
        const auto names = path.relative_path();
        rest_.insert(rest_.begin(), names.begin(), names.end());
    }

    std::filesystem::path here_;
    std::list<std::string> rest_;
    int links_ = 0;
};

}  // namespace

Result<void> check_folders_above(const std::filesystem::path& path, std::optional<uid_t> also) {
    const Trusted trusted{path, also};
    std::error_code problem;
    const auto absolute = std::filesystem::absolute(path, problem);
    if (problem) return fail(Code::failed, path.string(), ": ", problem.message());
    Way way(absolute);
    for (std::optional<std::filesystem::path> folder = "/"; folder;) {
        struct stat status {};
        if (::lstat(folder->c_str(), &status) != 0) return {};
        COFFER_CHECK(trusted.check_folder(folder->string(), status));
        COFFER_TRY(folder, way.next(trusted));
    }
    return {};
}

}  // namespace coffer
