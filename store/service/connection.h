// SPDX-License-Identifier: Apache-2.0
//
// Connection: one client of coffer-stored: its socket, the request that is coming in, the reply that is going
// out, and until when each has to be through. It never waits: it takes what is there and no byte more than
// the request in hand, so that what a client sends ahead stays in the kernel at its own cost. Before the
// first byte of a body is kept, the length that its header claims is reserved with PeerLimits.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>

#include "base/descriptor.h"
#include "service/peer_limits.h"
#include "service/stored_protocol.h"

namespace coffer {

struct Peer {
    uid_t uid = 0;
    pid_t pid = 0;  // for the log; by the time it is read it may be another's
};

class Connection {
  public:
    using Time = std::chrono::steady_clock::time_point;
    // `limits` has let the peer in, and must outlive this. A whole request or reply has to be through within
    // `timeout` of its first byte, however slowly the rest comes; between two there is twice that.
    Connection(Descriptor socket, Peer peer, PeerLimits& limits, std::chrono::seconds timeout, Time now);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    [[nodiscard]] const Peer& peer() const { return peer_; }
    [[nodiscard]] int descriptor() const { return socket_.get(); }
    enum class State { receiving, whole, replying, ended };
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool greeted() const { return greeted_; }
    // The events that are worth waiting for, of epoll(7).
    [[nodiscard]] std::uint32_t wanted_events() const;
    [[nodiscard]] bool is_overdue(Time now) const { return now >= deadline_; }

    // While receiving: takes what is there. An error is for the peer, who is to be left afterwards.
    [[nodiscard]] Result<void> receive(Time now);
    // When whole: the request. The bytes that it came in are given up.
    [[nodiscard]] Result<Request> take_request();
    // `frame` is the answer; `last`: the connection ends with it. Sends what goes at once.
    void reply(Bytes frame, bool last, Time now);
    void send_on(Time now);
    void greet() { greeted_ = true; }

  private:
    void end() { state_ = State::ended; }
    void await_request(Time now);

    Descriptor socket_;
    Peer peer_;
    PeerLimits& limits_;
    std::chrono::seconds timeout_;
    State state_ = State::receiving;
    bool greeted_ = false, last_ = false;
    std::optional<RequestHeader> header_;
    Bytes input_, output_;
    std::size_t sent_ = 0;
    std::size_t reserved_ = 0;  // with limits_
    Time deadline_;
};

}  // namespace coffer
