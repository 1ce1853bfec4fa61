// SPDX-License-Identifier: Apache-2.0
#include "hold/dead_mount.h"

#include <poll.h>
#include <spawn.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/child.h"
#include "base/descriptor.h"
#include "base/mount_table.h"
#include "hold/mount_point.h"

namespace coffer {
namespace {

constexpr int kPatience = 2000;  // milliseconds for the daemon's answer, if there is a daemon
constexpr int kDead = 2;         // the child's exit status

// In the child, which a daemon that hangs would keep: it holds nothing that anybody waits for.
[[noreturn]] void look_into(const char* path) {
    let_go_of_stdio();
    struct statfs status {};
    const bool answered = ::statfs(path, &status) == 0;
    _exit(!answered && (errno == ENOTCONN || errno == ECONNABORTED) ? kDead : 0);
}

Result<bool> is_dead(const std::filesystem::path& path) {
    const pid_t child = ::fork();
    if (child < 0) return fail(Code::failed, "fork: ", errno_text());
    if (child == 0) look_into(path.c_str());
    Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    pollfd wanted{pidfd.get(), POLLIN, 0};
    if (!pidfd || ::poll(&wanted, 1, kPatience) <= 0) {
        abandon(child);
        return false;
    }
    const int status = wait_for_end(child);
    return WIFEXITED(status) && WEXITSTATUS(status) == kDead;
}

}  // namespace

Result<void> unmount_as_user(const std::filesystem::path& path) {
    std::string words[] = {"fusermount3", "-u", "-z", "--", path.string()};
    char* pointers[] = {words[0].data(), words[1].data(), words[2].data(),
                        words[3].data(), words[4].data(), nullptr};
    pid_t child = -1;
    if (const int error = posix_spawnp(&child, pointers[0], nullptr, nullptr, pointers, environ); error != 0)
        return fail(Code::failed, "cannot run fusermount3: ", errno_text(error));
    if (wait_for_end(child) != 0)
        return fail(Code::failed, "fusermount3 does not unmount ", path.string(), "; its message is above");
    return {};
}

Result<bool> take_off_dead_mount(const std::filesystem::path& path) {
    COFFER_TRY(const auto point, mount_point_path(path));
    COFFER_TRY(const auto mounted, find_mount(point));
    if (!mounted) return false;
    if (mounted->type != "fuse.coffer")
        return fail(Code::conflict, "what is mounted on ", point.string(), " is ", mounted->type,
                    " and none of coffer's");
    COFFER_TRY(const bool dead, is_dead(point));
    if (!dead)
        return fail(Code::conflict, "a daemon serves ", point.string(),
                    " already, or hangs; stop that one, or unmount it with `fusermount3 -u -z ",
                    point.string(), '`');
    COFFER_CHECK(geteuid() == 0 ? unmount_as_root(point) : unmount_as_user(point));
    return true;
}

}  // namespace coffer
