// SPDX-License-Identifier: Apache-2.0
#include "base/supervisor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace coffer {
namespace {

constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START

std::string_view variable(const char* name) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody of ours changes it
    return text ? std::string_view(text) : std::string_view();
}

template <class Number>
std::optional<Number> number(std::string_view text) {
    Number out{};
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return out;
}

bool has_option(const Descriptor& socket, int option, int wanted) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

}  // namespace

std::vector<PassedDescriptor> take_passed_descriptors() {
    std::vector<PassedDescriptor> out;
    const auto pid = number<pid_t>(variable("LISTEN_PID"));
    const int count = number<int>(variable("LISTEN_FDS")).value_or(0);
    std::string_view names = variable("LISTEN_FDNAMES");
    if (pid == ::getpid() && count > 0 && count < 1024) {
        for (int fd = kFirstPassed; fd < kFirstPassed + count; ++fd) {
            const auto end = std::min(names.find(':'), names.size());
            std::string name(names.substr(0, end));
            names.remove_prefix(std::min(end + 1, names.size()));
            if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) continue;
            out.push_back({name.empty() ? "unknown" : std::move(name), Descriptor(fd)});
        }
    }
    for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"})
        ::unsetenv(name);  // NOLINT(concurrency-mt-unsafe): before there is a second thread
    return out;
}

Result<void> prepare_listener(const Descriptor& listener, std::string_view name) {
    if (!has_option(listener, SO_DOMAIN, AF_UNIX) || !has_option(listener, SO_TYPE, SOCK_STREAM) ||
        !has_option(listener, SO_ACCEPTCONN, 1))
        return fail(Code::invalid, "the passed descriptor \"", name,
                    "\" has to be a listening unix stream socket: ListenStream= with a path and Accept=no in "
                    "its socket unit");
    const int flags = ::fcntl(listener.get(), F_GETFL);
    if (flags < 0 || ::fcntl(listener.get(), F_SETFL, flags | O_NONBLOCK) != 0)
        return fail(Code::failed, "the passed descriptor \"", name, "\": ", errno_text());
    return {};
}

Result<void> notify_supervisor(std::string_view lines) {
    const std::string_view path = variable("NOTIFY_SOCKET");
    if (path.empty()) return {};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if ((path.front() != '/' && path.front() != '@') || path.size() >= sizeof address.sun_path)
        return fail(Code::invalid, "NOTIFY_SOCKET is no path of a socket: ", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    if (path.front() == '@') address.sun_path[0] = '\0';  // an abstract name
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket || ::sendto(socket.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
                            reinterpret_cast<const sockaddr*>(&address), length) < 0)
        return fail(Code::failed, "telling the service manager: ", errno_text());
    return {};
}

bool supervisor_is_abstract() {
    return variable("NOTIFY_SOCKET").starts_with('@');
}

std::optional<std::chrono::microseconds> watchdog_limit() {
    const std::string_view owner = variable("WATCHDOG_PID");
    if (!owner.empty() && number<pid_t>(owner) != ::getpid()) return std::nullopt;
    const auto limit = number<std::uint64_t>(variable("WATCHDOG_USEC"));
    if (!limit || *limit == 0) return std::nullopt;
    return std::chrono::microseconds(*limit);
}

}  // namespace coffer
