// SPDX-License-Identifier: Apache-2.0
#include "host/served_mount.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/child.h"
#include "base/file.h"
#include "base/mount_table.h"
#include "base/pipe.h"

namespace coffer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kNobody = 2;  // the child's exit status: the mount is there, its daemon is not

// In the child: the file's text into the pipe.
[[noreturn]] void copy_file(const char* path, int to) {
    let_go_of_stdio();
    int file = ::open(path, O_RDONLY | O_CLOEXEC);
    std::array<std::uint8_t, 4096> buffer{};
    ssize_t size = -1;
    while (file >= 0 && (size = ::read(file, buffer.data(), buffer.size())) > 0) {
        if (!write_all(to, ByteView(buffer).first(static_cast<std::size_t>(size)))) _exit(1);
    }
    if (file >= 0 && size == 0) _exit(0);
    _exit(errno == ENOTCONN || errno == ECONNABORTED ? kNobody : 1);
}

// Everything until the end of the pipe; nothing when that does not come in time.
std::optional<std::string> read_until(int from, Clock::time_point end) {
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
        pollfd wanted{from, POLLIN, 0};
        int ready = left > 0 ? ::poll(&wanted, 1, static_cast<int>(left)) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) return std::nullopt;
        ssize_t size = ::read(from, buffer.data(), buffer.size());
        if (size <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

}  // namespace

std::vector<std::string> ServedMount::problems() const {
    std::vector<std::string> out;
    const Json problems = report ? report->value("problems", Json::object()) : Json::object();
    for (const auto& [part, problem] : problems.items())
        out.push_back(concat(part, ": ", problem.is_string() ? problem.get<std::string>() : problem.dump()));
    return out;
}

Result<ServedMount> look_at_mount(const std::filesystem::path& mount, std::chrono::milliseconds patience) {
    ServedMount out;
    COFFER_TRY(auto entry, find_mount(mount));
    if (!entry) return out;
    if (entry->type != "fuse.coffer") {
        out.state = ServedMount::State::foreign;
        out.type = entry->type;
        return out;
    }
    COFFER_TRY(auto pipe, Pipe::make());
    auto& [from, to] = pipe;
    const std::string file = mount / ".coffer/status.json";
    const pid_t child = ::fork();
    if (child < 0) return fail(Code::failed, "fork: ", errno_text());
    if (child == 0) copy_file(file.c_str(), to.get());
    to.reset();
    auto text = read_until(from.get(), Clock::now() + patience);
    if (!text) {
        abandon(child);
        out.state = ServedMount::State::silent;
        return out;
    }
    const int status = wait_for_end(child);
    Json report = Json::parse(*text, nullptr, false);
    out.state = report.is_object()                                    ? ServedMount::State::serving
                : WIFEXITED(status) && WEXITSTATUS(status) == kNobody ? ServedMount::State::silent
                                                                      : ServedMount::State::closed;
    if (report.is_object()) out.report = std::move(report);
    return out;
}

}  // namespace coffer
