// SPDX-License-Identifier: Apache-2.0
#include "programs/task_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "base/descriptor.h"
#include "base/file.h"
#include "programs/task_slice.h"

namespace coffer {
namespace {

constexpr const char* kRoot = "/sys/fs/cgroup";
constexpr const char* kNamed = "/sys/fs/cgroup/systemd";  // beside version 2, in hybrid hierarchies

Result<std::filesystem::path> hierarchy() {
    for (const char* root : {kNamed, kRoot}) {
        if (::access((std::string(root) + "/cgroup.procs").c_str(), F_OK) == 0) return root;
    }
    return fail(Code::unavailable, "no hierarchy of cgroups on ", kRoot, ", by which a task is known");
}

// As the policy sees this process: in the named hierarchy, or in version 2.
std::string own_place(bool named) {
    std::ifstream file("/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const std::string_view wanted = named ? ":name=systemd:" : "0::";
        const std::size_t at = named ? line.find(wanted) : line.starts_with(wanted) ? 0 : line.npos;
        if (at != line.npos) return line.substr(at + wanted.size());
    }
    return "/";
}

bool move_here(const std::filesystem::path& cgroup) {
    Descriptor members(::open((cgroup / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    return members && write_all(members.get(), as_bytes("0"));
}

}  // namespace

Result<TaskCgroup> TaskCgroup::make(const std::string& slice) {
    COFFER_TRY(auto root, hierarchy());
    TaskCgroup cgroup;
    cgroup.before_ = root / own_place(root == kNamed).substr(1);
    auto levels = slice_levels(slice);
    levels.push_back(concat("coffer-task-", ::getpid(), ".scope"));
    std::filesystem::path path = root;
    for (const std::string& level : levels) {
        path /= level;
        if (::mkdir(path.c_str(), 0755) == 0)
            cgroup.made_.push_back(path);
        else if (errno == EACCES || errno == EPERM || errno == EROFS)
            return fail(Code::not_allowed, "cannot make the cgroup ", path.native(), ": ", errno_text(),
                        "; without systemd a task is started by root");
        else if (errno != EEXIST)
            return fail(Code::failed, "cannot make the cgroup ", path.native(), ": ", errno_text());
    }
    // One that is there already was left by a task that was killed, whose process had the same number.
    cgroup.task_ = path;
    if (cgroup.made_.empty() || cgroup.made_.back() != path) cgroup.made_.push_back(path);
    return cgroup;
}

TaskCgroup::~TaskCgroup() {
    for (; !made_.empty(); made_.pop_back()) (void)::rmdir(made_.back().c_str());
}

Result<void> TaskCgroup::enter() const {
    if (!move_here(task_))
        return fail(Code::failed, "cannot enter the cgroup ", task_.native(), ": ", errno_text());
    return {};
}

void TaskCgroup::leave() const {
    (void)move_here(before_);
}

}  // namespace coffer
