// SPDX-License-Identifier: Apache-2.0
#include "serve/held_mount.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

#include "base/socket_address.h"
#include "base/trusted_path.h"

namespace coffer {
namespace {

Result<Descriptor> connect_to(const std::string& path) {
    COFFER_TRY(auto address, socket_address(path));
    Descriptor connection(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!connection ||
        ::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail(Code::unavailable, "connecting to coffer-mount at ", path, ": ", errno_text(),
                    "; is coffer-mount.service running?");
    return connection;
}

// What every version of the record begins with.
constexpr ssize_t kPrefix = offsetof(HandOver, init_size);

bool is_whole(const HandOver& record, ssize_t size, int flags) {
    return size == sizeof record && (flags & MSG_TRUNC) == 0 && record.magic == HandOver::kMagic &&
           record.init_size <= record.init.size() && record.path.front() == '/' && record.path.back() == '\0';
}

bool is_character_device(const Descriptor& file) {
    struct stat status {};
    return ::fstat(file.get(), &status) == 0 && S_ISCHR(status.st_mode);
}

Descriptor passed_with(msghdr& header) {
    int device = -1;
    const cmsghdr* passed = CMSG_FIRSTHDR(&header);
    if (passed && passed->cmsg_level == SOL_SOCKET && passed->cmsg_type == SCM_RIGHTS)
        std::memcpy(&device, CMSG_DATA(passed), sizeof device);
    return Descriptor(device);
}

// Who could listen there in coffer-mount's place would hand over a mount of his own.
Result<void> check_socket(const std::filesystem::path& socket) {
    COFFER_CHECK(check_folders_above(socket));
    struct stat status {};
    if (::lstat(socket.c_str(), &status) != 0 || status.st_uid == 0 || status.st_uid == ::geteuid())
        return {};
    return fail(Code::not_allowed, "the socket ", socket.string(), " belongs to uid ", status.st_uid,
                "; expected root or uid ", ::geteuid(), ": let coffer-mount.socket make it");
}

}  // namespace

Result<HeldMount> HeldMount::take(const std::filesystem::path& socket) {
    HeldMount out;
    COFFER_CHECK(check_socket(socket));
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
    const int flags = packet.header.msg_flags;
    if (size >= kPrefix && record.magic == HandOver::kMagic && record.version != HandOver::kVersion)
        return fail(Code::conflict, "coffer-mount hands over version ", record.version,
                    " and this cofferd takes version ", HandOver::kVersion,
                    "; restart coffer-mount, which mounts afresh");
    if (!is_whole(record, size, flags))
        return fail(Code::invalid, "what ", socket.string(), " sends is no hand-over: ", size, " bytes");
    if (!out.device_ || (flags & MSG_CTRUNC) != 0)
        return fail(Code::invalid, "a hand-over comes with one descriptor, found ",
                    out.device_ ? "several" : "none");
    if (!is_character_device(out.device_))
        return fail(Code::invalid, "what ", socket.string(), " hands over is not /dev/fuse");
    return out;
}

void HeldMount::say_drained() const {
    (void)::send(connection_.get(), kDrained.data(), kDrained.size(), MSG_NOSIGNAL);
}

}  // namespace coffer
