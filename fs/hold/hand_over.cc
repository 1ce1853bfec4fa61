// SPDX-License-Identifier: Apache-2.0
#include "hold/hand_over.h"

#include <cstring>

#include "base/descriptor.h"

namespace coffer {
HandOverPacket::HandOverPacket(HandOver& record) : part_{&record, sizeof record} {
    header.msg_iov = &part_;
    header.msg_iovlen = 1;
    header.msg_control = control_;
    header.msg_controllen = CMSG_LEN(sizeof(int));  // not the padding behind it, where another would fit
}

Result<void> send_hand_over(int connection, const HandOver& record, int device) {
    HandOver copy = record;
    HandOverPacket packet(copy);
    cmsghdr* passed = CMSG_FIRSTHDR(&packet.header);
    passed->cmsg_level = SOL_SOCKET;
    passed->cmsg_type = SCM_RIGHTS;
    passed->cmsg_len = CMSG_LEN(sizeof device);
    std::memcpy(CMSG_DATA(passed), &device, sizeof device);
    if (::sendmsg(connection, &packet.header, MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof copy)
        return fail(Code::failed, "handing the mount over: ", errno_text());
    return {};
}

}  // namespace coffer
