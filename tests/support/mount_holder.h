// SPDX-License-Identifier: Apache-2.0
//
// MountHolder: a real coffer-mount as a child process, started as a service manager would, with a listening
// socket passed to it.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/descriptor.h"

namespace coffer::test {

class MountHolder {
  public:
    // `folder`: where the socket goes, and what it says (coffer-mount.log).
    MountHolder(std::filesystem::path folder, std::filesystem::path mount)
        : folder_(std::move(folder)), mount_(std::move(mount)) {
        const std::string path = socket().string();
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) throw std::runtime_error("too long: " + path);
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        listener_ = Descriptor(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        if (bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
            listen(listener_.get(), 8) != 0)
            throw std::runtime_error("a socket at " + path);
    }
    ~MountHolder() {
        kill();
        unlink(socket().c_str());
        umount2(mount_.c_str(), MNT_DETACH);
    }
    MountHolder(const MountHolder&) = delete;
    MountHolder& operator=(const MountHolder&) = delete;

    [[nodiscard]] std::filesystem::path socket() const { return folder_ / "coffer-mount.sock"; }
    [[nodiscard]] std::filesystem::path log_file() const { return folder_ / "coffer-mount.log"; }

    void start(const std::vector<std::string>& more = {}) {
        std::vector<std::string> command = {"coffer-mount", "--mount", mount_};
        command.insert(command.end(), more.begin(), more.end());
        process_ = fork();
        if (process_ != 0) return;
        const int log = open(log_file().c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(log, 1);
        dup2(log, 2);
        if (listener_.get() != 3) dup2(listener_.get(), 3);
        fcntl(3, F_SETFD, 0);
        setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
        setenv("LISTEN_FDS", "1", 1);
        std::vector<char*> arguments;
        for (std::string& one : command) arguments.push_back(one.data());
        arguments.push_back(nullptr);
        execv(COFFER_MOUNT_PROGRAM, arguments.data());
        _exit(127);
    }

    // Without a coffer-mount: the test itself is what a daemon connects to.
    [[nodiscard]] int accept() const { return accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC); }

    // As the service manager stops it: its exit status, or -1.
    int stop() {
        if (process_ <= 0) return -1;
        ::kill(process_, SIGTERM);
        int status = 0;
        waitpid(process_, &status, 0);
        process_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    void kill() {
        if (process_ <= 0) return;
        ::kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
        process_ = -1;
    }
    [[nodiscard]] pid_t process() const { return process_; }

  private:
    std::filesystem::path folder_, mount_;
    Descriptor listener_;
    pid_t process_ = -1;
};

}  // namespace coffer::test
