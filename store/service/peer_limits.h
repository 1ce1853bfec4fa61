// SPDX-License-Identifier: Apache-2.0
//
// PeerLimits: what each user may take of a service that all share, so that who reaches a limit hurts only
// itself: connections, bytes on their way in or out, appends and their bytes in a minute. Root has none, for
// it could stop the service as well. The time is given, never asked for. One thread at a time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <unordered_map>

#include "base/result.h"

namespace coffer {

struct PeerLimitSettings {
    std::size_t connections = 512;          // in all
    std::size_t connections_per_uid = 64;   // docs/store-service.md, "Limits"
    std::size_t bytes_per_uid = 36u << 20;  // two of the largest appends
    std::uint64_t appends_per_minute = 1200;
    std::uint64_t append_bytes_per_minute = 128u << 20;
};

class PeerLimits {
  public:
    using Time = std::chrono::steady_clock::time_point;
    explicit PeerLimits(PeerLimitSettings settings) : settings_(settings) {}

    // A connection comes, and goes. Code::limit: it may not come.
    [[nodiscard]] Result<void> enter(uid_t uid);
    void leave(uid_t uid);
    // Bytes of a request that is on its way, or of a reply that was not taken yet. Code::limit over the
    // bound.
    [[nodiscard]] Result<void> reserve(uid_t uid, std::size_t bytes);
    void release(uid_t uid, std::size_t bytes);
    // A reply cannot be refused for its size; it counts, and what the user asks next waits for it.
    void hold(uid_t uid, std::size_t bytes);
    [[nodiscard]] bool has_room(uid_t uid) const;
    // Spends one append of this many bytes. Code::limit, with the seconds to wait, when the minute's is
    // spent.
    [[nodiscard]] Result<void> spend(uid_t uid, std::size_t bytes, Time now);

    [[nodiscard]] std::size_t connections() const { return connections_; }

  private:
    // What is left of a minute's worth; it comes back evenly.
    struct Allowance {
        double left = 0;
        Time at{};
        void refill(double per_minute, Time now);
    };
    struct Peer {
        std::size_t connections = 0, bytes = 0;
        bool known = false;  // whether the allowances were filled for the first time
        Allowance appends, append_bytes;
    };
    [[nodiscard]] bool is_full(Peer peer, Time now) const;  // of what a minute gives
    void forget_idle(Time now);

    PeerLimitSettings settings_;
    std::size_t connections_ = 0;  // root's aside
    std::unordered_map<uid_t, Peer> peers_;
};

}  // namespace coffer
