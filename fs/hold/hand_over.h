// SPDX-License-Identifier: Apache-2.0
//
// HandOver: what coffer-mount gives to a cofferd: the descriptor of /dev/fuse, and what was agreed with the
// kernel when it was mounted. One packet of an AF_UNIX SOCK_SEQPACKET connection; both ends are programs of
// one package on one host, so it is a plain struct in the host's own byte order. The connection stays open:
// its end tells each side that the other is gone, and the one packet that goes the other way is kDrained.
// What libfuse would have answered to INIT (hold/fuse_wire.h) is fixed by the version: another one means a
// fresh mount.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace coffer {

struct HandOver {
    static constexpr std::array<char, 8> kMagic{'c', 'o', 'f', 'f', 'e', 'r', 'm', 't'};
    static constexpr std::uint32_t kVersion = 1;

    std::array<char, 8> magic = kMagic;
    std::uint32_t version = kVersion;
    std::uint32_t init_size = 0;
    std::array<std::uint8_t, 256> init{};  // the kernel's FUSE_INIT request as it came
    std::array<char, 4096> path{};         // of the mount, ended by a NUL
    std::uint8_t can_resend = 0;           // the kernel has FUSE_NOTIFY_RESEND (6.9)
    std::uint8_t unused = 0;
    std::uint16_t turn = 0;  // counts the daemons that this mount has had, and starts again after 65535
    std::uint32_t reserved = 0;
};

// From a cofferd that ends in good order: every request that it took has been answered.
inline constexpr std::string_view kDrained = "drained";

// The record with room for one descriptor beside it, for sendmsg(2) and recvmsg(2).
class HandOverPacket {
  public:
    explicit HandOverPacket(HandOver& record);
    HandOverPacket(const HandOverPacket&) = delete;
    HandOverPacket& operator=(const HandOverPacket&) = delete;
    msghdr header{};

  private:
    iovec part_;
    alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
};

// Does not wait: Code::failed when the other end does not take it at once. serve/held_mount.h receives it.
[[nodiscard]] Result<void> send_hand_over(int connection, const HandOver& record, int device);

}  // namespace coffer
