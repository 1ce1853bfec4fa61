// SPDX-License-Identifier: Apache-2.0
#include "hold/mount_point.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <string>

#include "base/mount_table.h"
#include "base/trusted_path.h"

namespace coffer {

Result<std::filesystem::path> mount_point_path(const std::filesystem::path& path) {
    std::error_code problem;
    std::filesystem::path given = std::filesystem::absolute(path, problem).lexically_normal();
    if (!given.has_filename()) given = given.parent_path();
    // Only the parent is looked at: something may be mounted here.
    std::filesystem::path parent = std::filesystem::canonical(given.parent_path(), problem);
    if (problem)
        return fail(Code::not_found, "the mount point ", given.string(), " is missing: ", problem.message(),
                    "; make it with `mkdir -p ", given.string(), '`');
    return given.has_filename() ? parent / given.filename() : parent;
}

Result<std::filesystem::path> check_mount_point(const std::filesystem::path& path) {
    std::error_code problem;
    COFFER_TRY(auto found, mount_point_path(path));
    COFFER_TRY(auto mounted, find_mount(found));
    if (mounted)
        return fail(Code::conflict, "something is mounted on ", found.string(),
                    " already; unmount it with `fusermount3 -u -z ", found.string(), '`');
    struct stat status {};
    if (lstat(found.c_str(), &status) != 0)
        return fail(Code::not_found, "the mount point ", found.string(), " is missing: ", errno_text(),
                    "; make it with `mkdir ", found.string(), '`');
    if (S_ISLNK(status.st_mode))
        return fail(Code::invalid, "the mount point ", found.string(),
                    " is a symbolic link; name the directory itself");
    if (!S_ISDIR(status.st_mode))
        return fail(Code::invalid, "the mount point ", found.string(), " is not a directory");
    const bool empty = std::filesystem::is_empty(found, problem);
    if (problem) return fail(Code::failed, "reading ", found.string(), ": ", problem.message());
    COFFER_CHECK(check_folders_above(found));  // who renames what is mounted on has the mount elsewhere
    if (!empty)
        return fail(Code::invalid, "the mount point ", found.string(),
                    " is not empty; what is in it would be hidden: choose an empty directory");
    return found;
}

Result<Descriptor> mount_as_root(const std::filesystem::path& path) {
    Descriptor device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!device)
        return fail(Code::unavailable, "opening /dev/fuse: ", errno_text(),
                    "; load the kernel's fuse module, or give the container this device");
    const std::string options =
        concat("fd=", device.get(), ",rootmode=40000,user_id=0,group_id=0,allow_other");
    if (::mount("coffer", path.c_str(), "fuse.coffer", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()) !=
        0)
        return fail(Code::failed, "mounting on ", path.string(), ": ", errno_text(),
                    "; mounting needs CAP_SYS_ADMIN");
    return device;
}

Result<void> unmount_as_root(const std::filesystem::path& path) {
    if (umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno == EINVAL) return {};
    return fail(Code::failed, "unmounting ", path.string(), ": ", errno_text());
}

}  // namespace coffer
