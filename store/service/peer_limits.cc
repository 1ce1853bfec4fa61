// SPDX-License-Identifier: Apache-2.0
#include "service/peer_limits.h"

#include <algorithm>
#include <cmath>

namespace coffer {
namespace {

constexpr uid_t kRoot = 0;
constexpr double kSecondsPerMinute = 60;
constexpr std::size_t kPeersKept =
    4096;  // past this, those who have nothing open and nothing spent are dropped

// Until `wanted` of an allowance has come back.
std::uint64_t seconds_until(double wanted, double left, double per_minute) {
    return static_cast<std::uint64_t>(std::ceil((wanted - left) * kSecondsPerMinute / per_minute));
}

}  // namespace

void PeerLimits::Allowance::refill(double per_minute, Time now) {
    const double seconds = std::max(0.0, std::chrono::duration<double>(now - at).count());
    left = std::min(per_minute, left + seconds * per_minute / kSecondsPerMinute);
    at = now;
}

Result<void> PeerLimits::enter(uid_t uid) {
    if (uid == kRoot) return {};
    if (connections_ >= settings_.connections)
        return fail(Code::limit, "coffer-stored has its ", settings_.connections,
                    " connections; try again later");
    Peer& peer = peers_[uid];
    if (peer.connections >= settings_.connections_per_uid)
        return fail(Code::limit, "uid ", uid, " has its ", settings_.connections_per_uid,
                    " connections to coffer-stored; end some of them");
    ++peer.connections;
    ++connections_;
    return {};
}

void PeerLimits::leave(uid_t uid) {
    if (uid == kRoot) return;
    --peers_[uid].connections;
    --connections_;
}

Result<void> PeerLimits::reserve(uid_t uid, std::size_t bytes) {
    if (uid == kRoot) return {};
    Peer& peer = peers_[uid];
    if (peer.bytes + bytes > settings_.bytes_per_uid)
        return fail(Code::limit, "uid ", uid, " has ", peer.bytes, " bytes on their way, and with ", bytes,
                    " more would have over ", settings_.bytes_per_uid, "; try again when they are through");
    peer.bytes += bytes;
    return {};
}

void PeerLimits::release(uid_t uid, std::size_t bytes) {
    if (uid != kRoot) peers_[uid].bytes -= bytes;
}

void PeerLimits::hold(uid_t uid, std::size_t bytes) {
    if (uid != kRoot) peers_[uid].bytes += bytes;
}

bool PeerLimits::has_room(uid_t uid) const {
    auto found = peers_.find(uid);
    return found == peers_.end() || found->second.bytes <= settings_.bytes_per_uid;
}

Result<void> PeerLimits::spend(uid_t uid, std::size_t bytes, Time now) {
    if (uid == kRoot) return {};
    if (peers_.size() > kPeersKept) forget_idle(now);
    Peer& peer = peers_[uid];
    const auto appends = static_cast<double>(settings_.appends_per_minute);
    const auto append_bytes = static_cast<double>(settings_.append_bytes_per_minute);
    if (!peer.known) {
        peer.known = true;
        peer.appends = {appends, now};
        peer.append_bytes = {append_bytes, now};
    }
    peer.appends.refill(appends, now);
    peer.append_bytes.refill(append_bytes, now);
    if (peer.appends.left < 1)
        return fail(Code::limit, "uid ", uid, " has appended ", settings_.appends_per_minute,
                    " times in a minute, which is the limit; try again in ",
                    seconds_until(1, peer.appends.left, appends), " s");
    // One that is over the whole minute's worth would never go: it takes a full minute's.
    const double wanted = std::min(static_cast<double>(bytes), append_bytes);
    if (peer.append_bytes.left < wanted)
        return fail(Code::limit, "uid ", uid, " has appended ", settings_.append_bytes_per_minute,
                    " bytes in a minute, which is the limit; try again in ",
                    seconds_until(wanted, peer.append_bytes.left, append_bytes), " s");
    peer.appends.left -= 1;
    peer.append_bytes.left -= wanted;
    return {};
}

bool PeerLimits::is_full(Peer peer, Time now) const {
    if (!peer.known) return true;
    const auto appends = static_cast<double>(settings_.appends_per_minute);
    const auto append_bytes = static_cast<double>(settings_.append_bytes_per_minute);
    peer.appends.refill(appends, now);
    peer.append_bytes.refill(append_bytes, now);
    return peer.appends.left >= appends && peer.append_bytes.left >= append_bytes;
}

void PeerLimits::forget_idle(Time now) {
    std::erase_if(peers_, [&](const auto& entry) {
        const Peer& peer = entry.second;
        return peer.connections == 0 && peer.bytes == 0 && is_full(peer, now);
    });
}

}  // namespace coffer
