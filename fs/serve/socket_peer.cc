// SPDX-License-Identifier: Apache-2.0
#include "serve/socket_peer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cstddef>

namespace coffer {
namespace {

constexpr int kPeerPidfd = 77;  // SO_PEERPIDFD, Linux 6.5; not in the headers of Debian 12

Descriptor open_process(int connection, pid_t pid) {
    int pidfd = -1;
    socklen_t size = sizeof pidfd;
    if (::getsockopt(connection, SOL_SOCKET, kPeerPidfd, &pidfd, &size) == 0) return Descriptor(pidfd);
    if (errno != ENOPROTOOPT) return {};
    return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace

Result<SocketPeer> SocketPeer::of(const Descriptor& connection) {
    SocketPeer peer;
    ucred ids{};
    socklen_t size = sizeof ids;
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &ids, &size) != 0)
        return fail(Code::failed, "who has connected cannot be found out: ", errno_text());
    peer.who = {ids.pid, ids.uid, ids.gid};
    if (ids.pid <= 0)
        return fail(Code::not_allowed, "the peer, of uid ", ids.uid, ", is outside this pid namespace");
    sockaddr_un address{};
    socklen_t length = sizeof address;
    if (::getpeername(connection.get(), reinterpret_cast<sockaddr*>(&address), &length) != 0)
        return fail(Code::failed, "the peer's socket name: ", errno_text());
    constexpr std::size_t kBefore = offsetof(sockaddr_un, sun_path);
    if (length > kBefore && length <= sizeof address) peer.name.assign(address.sun_path, length - kBefore);
    peer.process = open_process(connection.get(), ids.pid);
    if (!peer.process) return fail(Code::failed, "process ", ids.pid, " cannot be held: ", errno_text());
    return peer;
}

bool SocketPeer::alive() const {
    pollfd ended{process.get(), POLLIN, 0};
    return ::poll(&ended, 1, 0) == 0;
}

}  // namespace coffer
