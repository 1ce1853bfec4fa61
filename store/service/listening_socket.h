// SPDX-License-Identifier: Apache-2.0
//
// ListeningSocket: where coffer-stored is spoken to: taken from the service manager, or made, mode 0660,
// where there is none. Who may connect is the kernel's to say, by the socket file's group and mode.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"
#include "service/connection.h"

namespace coffer {

class ListeningSocket {
  public:
    // The one descriptor that was passed by socket activation; nothing when none was. Code::invalid when
    // there are several, or it is no listening AF_UNIX stream socket.
    [[nodiscard]] static Result<std::optional<ListeningSocket>> passed();
    // Made at `path`; a socket that nobody listens on any more is replaced. `group`: who may connect besides
    // this user, else its own group. Code::conflict when somebody listens there.
    [[nodiscard]] static Result<ListeningSocket> make(const std::filesystem::path& path,
                                                      std::optional<gid_t> group);
    // The number of a group; Code::not_found when there is none of that name.
    [[nodiscard]] static Result<gid_t> group_number(const std::string& name);
    ListeningSocket(ListeningSocket&& other) noexcept = default;
    ListeningSocket& operator=(ListeningSocket&& other) = delete;
    ~ListeningSocket();  // takes away the file that make() made

    [[nodiscard]] int descriptor() const { return socket_.get(); }
    // The next client; nothing when there is none now. Code::limit when there are no descriptors left.
    [[nodiscard]] Result<std::optional<std::pair<Descriptor, Peer>>> accept() const;

  private:
    explicit ListeningSocket(Descriptor socket) : socket_(std::move(socket)) {}
    Descriptor socket_;
    std::filesystem::path made_;  // empty: it was passed
};

}  // namespace coffer
