// SPDX-License-Identifier: Apache-2.0
#include "serve/held_mount.h"

#include <sys/un.h>

#include <cstring>

namespace coffer {
namespace {

Result<Descriptor> connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return fail(Code::invalid, "the path of a socket has at most ", sizeof address.sun_path - 1,
                    " bytes: ", path);
    std::memcpy(address.sun_path, path.data(), path.size());
    Descriptor connection(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!connection ||
        ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail(Code::unavailable, "connecting to coffer-mount at ", path, ": ", errno_text(),
                    "; is coffer-mount.service running?");
    return connection;
}

Descriptor passed_with(msghdr& header) {
    int device = -1;
    const cmsghdr* passed = CMSG_FIRSTHDR(&header);
    if (passed && passed->cmsg_level == SOL_SOCKET && passed->cmsg_type == SCM_RIGHTS)
        std::memcpy(&device, CMSG_DATA(passed), sizeof device);
    return Descriptor(device);
}

}  // namespace

Result<HeldMount> HeldMount::take(const std::filesystem::path& socket) {
    HeldMount out;
    COFFER_TRY(out.connection_, connect_to(socket.string()));
    // coffer-mount takes one daemon at a time, and one that drains takes some time.
    const timeval patience{60, 0};
    (void)::setsockopt(out.connection_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    HandOverPacket packet(out.record_);
    ssize_t size = -1;
    do {
        size = ::recvmsg(out.connection_.get(), &packet.header, MSG_CMSG_CLOEXEC);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && errno == EAGAIN)
        return fail(Code::conflict, "another cofferd serves the mount of ", socket.string(),
                    " and has not ended within ", patience.tv_sec, " s");
    if (size < 0) return fail(Code::unavailable, "waiting for coffer-mount: ", errno_text());
    if (size == 0)
        return fail(Code::not_allowed,
                    "coffer-mount hands over to root and to the user of its --user, not to uid ",
                    ::geteuid());
    out.device_ = passed_with(packet.header);
    const HandOver& record = out.record_;
    if (size != sizeof record || record.magic != HandOver::kMagic || !out.device_ ||
        record.init_size > record.init.size() || record.path.back() != '\0')
        return fail(Code::invalid, "what ", socket.string(), " sends is no hand-over: ", size, " bytes");
    if (record.version != HandOver::kVersion)
        return fail(Code::conflict, "coffer-mount hands over version ", record.version,
                    " and this cofferd takes version ", HandOver::kVersion,
                    "; restart coffer-mount, which mounts afresh");
    return out;
}

void HeldMount::say_drained() const {
    (void)::send(connection_.get(), kDrained.data(), kDrained.size(), MSG_NOSIGNAL);
}

}  // namespace coffer
