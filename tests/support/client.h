// SPDX-License-Identifier: Apache-2.0
//
// A client of the mount: a forked child that becomes another user, does one thing and reports. The parent
// waits at most kClientPatience and then kills it: a test never hangs on a mount that answers nothing.
#pragma once

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace coffer::test {

inline constexpr int kClientPatience = 30000;  // milliseconds

// What a client saw: an errno, or a text.
struct Outcome {
    int error = 0;
    std::string text;
    bool operator==(const Outcome&) const = default;
    [[nodiscard]] bool good() const { return error == 0; }
};
inline Outcome failed(int error = errno) {
    return {error, {}};
}
inline constexpr int kClientHung = 100000, kClientCrashed = 100001;

struct Who {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups = {};
};
// Fixed numbers that no distribution hands out to people.
inline const Who kRoot{0, 0}, kAlice{60001, 60001}, kBob{60002, 60002}, kCarol{60003, 60003};

inline bool become(const Who& who) {
    return setgroups(who.groups.size(), who.groups.data()) == 0 &&
           setresgid(who.gid, who.gid, who.gid) == 0 && setresuid(who.uid, who.uid, who.uid) == 0;
}

// What comes through a pipe until its end; nothing when patience is over before that.
inline std::optional<std::string> text_until_end(int from) {
    std::string text;
    char buffer[65536];
    for (;;) {
        pollfd wanted{from, POLLIN, 0};
        if (poll(&wanted, 1, kClientPatience) <= 0) return std::nullopt;
        ssize_t size = read(from, buffer, sizeof buffer);
        if (size <= 0) return text;
        text.append(buffer, static_cast<std::size_t>(size));
    }
}

inline Outcome collect(int from, pid_t child) {
    auto bytes = text_until_end(from);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    if (!bytes) return failed(kClientHung);
    Outcome out = failed(kClientCrashed);
    if (bytes->size() >= sizeof out.error) {
        std::memcpy(&out.error, bytes->data(), sizeof out.error);
        out.text = bytes->substr(sizeof out.error);
    }
    return out;
}

// The end of a client: its outcome for collect().
[[noreturn]] inline void report(int to, const Outcome& out) {
    std::string bytes(reinterpret_cast<const char*>(&out.error), sizeof out.error);
    bytes += out.text;
    for (std::size_t done = 0; done < bytes.size();) {
        ssize_t size = write(to, bytes.data() + done, bytes.size() - done);
        if (size <= 0) break;
        done += static_cast<std::size_t>(size);
    }
    _exit(0);
}

// `pid`: where the child's number is wanted, which by then is nobody's.
template <class Body>
Outcome as(const Who& who, Body body, pid_t* pid = nullptr) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return failed();
    pid_t child = fork();
    if (pid) *pid = child;
    if (child == 0) {
        close(ends[0]);
        report(ends[1], become(who) ? body() : failed());
    }
    close(ends[1]);
    Outcome out = collect(ends[0], child);
    close(ends[0]);
    return out;
}

// The end of a child that becomes this program.
[[noreturn]] inline void exec_program(const char* program, const std::vector<std::string>& words) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(program, arguments.data());
    _exit(127);
}

// A program as this user: what it writes to its output. `prepare` runs before the exec, as the user already.
template <class Prepare>
Outcome run_as(const Who& who, const std::vector<std::string>& command, Prepare prepare,
               pid_t* pid = nullptr) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return failed();
    pid_t child = fork();
    if (pid) *pid = child;
    if (child == 0) {
        const int none = 0;  // what collect() takes for the errno
        if (!become(who) || !prepare() || write(ends[1], &none, sizeof none) != sizeof none) _exit(126);
        dup2(ends[1], 1);
        exec_program(command.front().c_str(), command);
    }
    close(ends[1]);
    Outcome out = collect(ends[0], child);
    close(ends[0]);
    return out;
}

// --- what a client may do; called in the child ---

inline Outcome read_all(int fd) {
    Outcome out;
    char buffer[65536];
    ssize_t size;
    while ((size = read(fd, buffer, sizeof buffer)) > 0)
        out.text.append(buffer, static_cast<std::size_t>(size));
    if (size < 0) return failed();
    return out;
}

inline Outcome read_path(const std::filesystem::path& path) {
    int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return failed();
    Outcome out = read_all(fd);
    close(fd);
    return out;
}

// The errno of a call that returns -1 for a failure.
template <class Call>
Outcome errno_of(Call call) {
    return call() < 0 ? failed() : Outcome{};
}

// --- short forms for a test ---

inline Outcome run_as(const Who& who, const std::vector<std::string>& command) {
    return run_as(who, command, [] { return true; });
}

inline Outcome read_as(const Who& who, const std::filesystem::path& path) {
    return as(who, [&] { return read_path(path); });
}

}  // namespace coffer::test
