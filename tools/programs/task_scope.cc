// SPDX-License-Identifier: Apache-2.0
#include "programs/task_scope.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/child.h"
#include "base/descriptor.h"
#include "programs/spawn_plan.h"

namespace coffer {
namespace {

// systemctl(1): the unit is not loaded (any more).
constexpr int kNoSuchUnit = 5;

// Without a word: that the unit has gone meanwhile is no news to anybody. Its exit status.
Result<int> run_silently(const std::vector<std::string>& words) {
    const auto pointers = exec_pointers(words);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0);
    pid_t child = -1;
    const int error = posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return fail(Code::failed, "cannot run ", words[0], ": ", errno_text(error));
    const int status = wait_for_end(child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// As execvp(3) looks for it, since systemd-run does not tell why it could not run it.
Result<void> check_program(const std::string& word) {
    const auto check = [](const std::filesystem::path& file) -> int {
        std::error_code ignored;
        if (std::filesystem::is_directory(file, ignored)) return EACCES;
        return ::access(file.c_str(), X_OK) == 0 ? 0 : errno;
    };
    int problem = word.empty() ? ENOENT : EACCES;
    if (word.find('/') != word.npos) {
        problem = check(word);
    } else if (!word.empty()) {
        const char* path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe): one thread
        std::istringstream folders(path ? path : "/usr/local/bin:/usr/bin:/bin");
        problem = ENOENT;
        for (std::string folder; problem != 0 && std::getline(folders, folder, ':');) {
            const int here = check(std::filesystem::path(folder.empty() ? "." : folder) / word);
            if (here != ENOENT && here != ENOTDIR) problem = here;
        }
    }
    if (problem == 0) return {};
    return fail(problem == ENOENT || problem == ENOTDIR ? Code::not_found : Code::not_allowed, "cannot run ",
                word, ": ", errno_text(problem));
}

// systemd-run would say what it could not connect to, and not what to do.
Result<void> check_own_manager() {
    const char* folder = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe): one thread
    if (!folder)
        return fail(
            Code::unavailable,
            "XDG_RUNTIME_DIR is not set, by which your own systemd is found; after a login it is /run/user/",
            ::getuid());
    if (::access(concat(folder, "/systemd/private").c_str(), F_OK) != 0)
        return fail(Code::unavailable, "no systemd of your own runs at ", folder,
                    "; log in, or let root run `loginctl enable-linger` for you");
    return {};
}

}  // namespace

TaskScope::TaskScope(std::string slice)
    : slice_(std::move(slice)),
      name_(concat("coffer-task-", ::getpid(), ".scope")),
      is_system_(::geteuid() == 0) {}

Result<std::vector<std::string>> TaskScope::words(const std::vector<std::string>& command) const {
    COFFER_CHECK(check_program(command.front()));
    if (!is_system_) COFFER_CHECK(check_own_manager());
    std::vector<std::string> out{"systemd-run", "--quiet", "--scope", "--collect"};
    if (!is_system_) out.emplace_back("--user");
    for (std::string_view property : {"SendSIGHUP=yes", "TimeoutStopSec=10s"})
        out.push_back(concat("--property=", property));
    out.push_back("--unit=" + name_);
    out.push_back("--slice=" + slice_);
    out.emplace_back("--");
    out.insert(out.end(), command.begin(), command.end());
    return out;
}

Result<void> TaskScope::end() const {
    COFFER_TRY(const int status,
               run_silently({"systemctl", is_system_ ? "--system" : "--user", "stop", name_}));
    if (status == 0 || status == kNoSuchUnit) return {};
    return fail(Code::failed, "`systemctl ", is_system_ ? "" : "--user ", "stop ", name_,
                "` ended with status ", status);
}

}  // namespace coffer
