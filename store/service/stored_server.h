// SPDX-License-Identifier: Apache-2.0
//
// StoredServer: the loop of coffer-stored: one thread, epoll(7), sockets that never block. One thread, since
// there is one file to write and one view to keep, and what is not shared needs no lock; a client that is
// slow or silent is one socket that nothing is to be done for. Each round serves at most one request of each
// user, so that who asks a lot waits for himself.
#pragma once

#include <deque>
#include <map>
#include <memory>

#include "service/connection.h"
#include "service/listening_socket.h"
#include "service/store_writer.h"

namespace coffer {

struct StoredServerSettings {
    std::chrono::seconds idle_exit{0};  // ends by itself when nobody was there for this long; 0: never
    std::chrono::seconds timeout{30};   // for a request or a reply to be through; twice that between two
    PeerLimitSettings limits;
};

class StoredServer {
  public:
    StoredServer(StoreWriter& writer, ListeningSocket& socket, StoredServerSettings settings)
        : writer_(writer), socket_(socket), settings_(settings), limits_(settings.limits) {}

    // Until SIGTERM or SIGINT, which must be blocked, or until it was idle for long.
    [[nodiscard]] Result<void> run();

  private:
    using Time = Connection::Time;
    [[nodiscard]] Result<void> watch(int descriptor, std::uint32_t events, bool known) const;
    [[nodiscard]] int next_timeout() const;
    void reassure(Time now);
    void accept_some(Time now);
    void handle(int descriptor, std::uint32_t events, Time now);
    void serve_round(Time now);
    void serve(Connection& connection, Time now);
    [[nodiscard]] Result<Bytes> answer(const Connection& connection, const Request& request, Time now);
    [[nodiscard]] Result<Bytes> append(const Peer& peer, const AppendRequest& request, Time now);
    void refuse_peer(Connection& connection, const Error& error, Time now);
    void settle(Connection& connection);
    void drop_overdue(Time now);
    [[nodiscard]] bool is_idle(Time now) const;

    StoreWriter& writer_;
    ListeningSocket& socket_;
    StoredServerSettings settings_;
    PeerLimits limits_;
    Descriptor epoll_;
    std::map<int, std::unique_ptr<Connection>> connections_;  // by descriptor; after limits_, which they use
    std::deque<int> waiting_;                                 // with a whole request, the first first
    bool progress_ = false;                                   // whether the last round served anybody
    bool accepting_ = true;
    std::optional<std::chrono::microseconds> watchdog_;
    Time last_seen_{}, reassured_{};
};

}  // namespace coffer
