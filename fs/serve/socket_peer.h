// SPDX-License-Identifier: Apache-2.0
//
// SocketPeer: the process that has connected to a unix socket, as of that moment. Unlike the caller of a file
// operation it does not wait in the kernel: it can exit and its number be another's. So a pidfd of it is
// held; what was found out by its number is its own if it is alive() afterwards. The pidfd is the peer's from
// the moment of the connection where the kernel has SO_PEERPIDFD (6.5); before that it is opened by the
// number.
#pragma once

#include <string>

#include "base/descriptor.h"
#include "serve/gate.h"

namespace coffer {

struct SocketPeer {
    // Code::not_allowed for a process outside of this pid namespace.
    [[nodiscard]] static Result<SocketPeer> of(const Descriptor& connection);
    [[nodiscard]] bool alive() const;

    Requester who;     // its first thread, and its ids at the connection
    std::string name;  // of its end of the socket, for an abstract one with the first NUL; often empty
    Descriptor process;
};

}  // namespace coffer
