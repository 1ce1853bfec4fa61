// SPDX-License-Identifier: Apache-2.0
#include "serve/credential_door.h"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/supervisor.h"

namespace coffer {
namespace {

// systemd starts a few units at once, and each connection is over in milliseconds.
constexpr std::size_t kMaxConnections = 64;
// systemd reads up to 1 MiB, and 128 KiB more of what it is to decrypt (credential-util.h, version 252).
constexpr std::size_t kZeros = 2u << 20;
constexpr std::array<std::uint8_t, 64u << 10> kZeroBytes{};
constexpr std::chrono::seconds kPatience{10};  // with a peer that leaves a value unread
constexpr std::chrono::seconds kLastMoment{1};
constexpr std::chrono::milliseconds kBreath{100};  // after an accept that failed

constexpr std::string_view kMessageId = "410f463f2fdb4cfd8ef52886e8cbaed8";
constexpr int kWarning = 4;

// So that the socket takes the whole answer at once, and nothing that happens to this process cuts it short.
// Past the system's limit only with CAP_NET_ADMIN; else as much as there is.
void widen(const Descriptor& socket, std::size_t bytes) {
    const int room = static_cast<int>(bytes + (64u << 10));  // the kernel doubles it for its own needs
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room) != 0)
        (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
}

int milliseconds_until(std::chrono::steady_clock::time_point moment) {
    if (moment == std::chrono::steady_clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(moment - std::chrono::steady_clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

Result<std::unique_ptr<CredentialDoor>> CredentialDoor::open(Descriptor listener,
                                                             const CredentialSource::Parts& parts,
                                                             Worker worker) {
    COFFER_CHECK(prepare_listener(listener, "credentials"));
    std::unique_ptr<CredentialDoor> door(new CredentialDoor(parts, std::move(worker)));
    door->listener_ = std::move(listener);
    door->stopped_ = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!door->stopped_) return fail(Code::failed, "eventfd: ", errno_text());
    return door;
}

void CredentialDoor::start() {
    thread_ = std::thread([this] { run(); });
}

void CredentialDoor::stop() {
    if (!thread_.joinable()) return;
    const std::uint64_t one = 1;
    (void)!::write(stopped_.get(), &one, sizeof one);
    thread_.join();
}

void CredentialDoor::run() {
    auto told = [&] {
        pollfd stop{stopped_.get(), POLLIN, 0};
        return ::poll(&stop, 1, 0) > 0;
    };
    while (!told()) wait(true, Clock::time_point::max());
    auto under_way = [&] {
        return std::ranges::any_of(connections_, [](const Connection& one) { return one.left > 0; });
    };
    for (const auto end = Clock::now() + kLastMoment; under_way() && Clock::now() < end;) wait(false, end);
    connections_.clear();
}

void CredentialDoor::wait(bool accepting, Clock::time_point limit) {
    limit = std::min(limit, give_up_unread());
    std::vector<pollfd> wanted;
    wanted.push_back({accepting ? stopped_.get() : -1, POLLIN, 0});
    wanted.push_back({accepting && has_room() ? listener_.get() : -1, POLLIN, 0});
    // That the peer has gone is told unasked.
    for (const Connection& one : connections_)
        wanted.push_back({one.socket.get(), static_cast<short>(one.left > 0 ? POLLOUT : 0), 0});
    if (::poll(wanted.data(), wanted.size(), milliseconds_until(limit)) <= 0) return;
    std::size_t at = 2;
    for (auto one = connections_.begin(); one != connections_.end(); ++at) {
        const short seen = wanted[at].revents;
        const bool over = (seen & (POLLHUP | POLLERR)) || (seen && push(*one) == Then::close);
        one = over ? connections_.erase(one) : std::next(one);
    }
    if (wanted[1].revents) accept();
}

// Of a peer with another uid no unit of the system waits: the oldest makes room. Those of uid 0 are never put
// out; when they fill the room, the next ones wait in the socket's queue.
CredentialDoor::Connections::iterator CredentialDoor::dispensable() {
    return std::ranges::find_if(connections_, [](const Connection& one) { return one.uid != 0; });
}

bool CredentialDoor::has_room() {
    return connections_.size() < kMaxConnections || dispensable() != connections_.end();
}

// The next moment at which a value has lain unread for too long; those that have are dropped.
CredentialDoor::Clock::time_point CredentialDoor::give_up_unread() {
    auto next = Clock::time_point::max();
    for (Connection& one : connections_) {
        if (!one.value) continue;
        if (one.until > Clock::now()) {
            next = std::min(next, one.until);
            continue;
        }
        spdlog::warn("a credential was not read within {} s and is given up", kPatience.count());
        one.value.reset();
        one.left = kZeros;
    }
    return next;
}

void CredentialDoor::accept() {
    Connection connection;
    connection.socket =
        Descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection.socket) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
        spdlog::error("accepting a connection for a credential: {}", errno_text());
        pollfd stop{stopped_.get(), POLLIN, 0};
        (void)::poll(&stop, 1, static_cast<int>(kBreath.count()));
        return;
    }
    if (connections_.size() >= kMaxConnections) connections_.erase(dispensable());
    answer(connection);
    if (push(connection) == Then::keep) connections_.push_back(std::move(connection));
}

void CredentialDoor::answer(Connection& connection) {
    CredentialClaim claim;
    auto value = [&]() -> Result<std::shared_ptr<const LargeCopy>> {
        COFFER_TRY(auto peer, SocketPeer::of(connection.socket));
        connection.uid = peer.who.uid;
        COFFER_TRY(claim, parse_credential_claim(peer.name));
        return source_.fetch(peer, claim, worker_);
    }();
    if (value) connection.value = std::move(*value);
    connection.left = connection.value ? connection.value->value.size() : kZeros;
    connection.until = Clock::now() + kPatience;
    if (connection.uid == 0) widen(connection.socket, connection.left);
    if (!value) tell(connection.uid, claim.unit, claim.id, value.error().message);
}

// Closed once a value is whole, or the peer has gone; never between.
CredentialDoor::Then CredentialDoor::push(Connection& one) {
    while (one.left > 0) {
        std::span<const std::uint8_t> bytes = kZeroBytes;
        bytes = one.value ? one.value->value.last(one.left) : bytes.first(std::min(bytes.size(), one.left));
        const ssize_t sent =
            ::send(one.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            one.left -= static_cast<std::size_t>(sent);
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return Then::close;
        } else if (errno == EAGAIN) {
            return Then::keep;
        } else if (errno != EINTR) {
            one.value.reset();
            one.left = 0;  // no way to end it well: systemd waits until its own time is up
            return Then::keep;
        }
    }
    return one.value ? Then::close : Then::keep;
}

// To the journal with the unit's name, so that `journalctl -u UNIT` has it beside systemd's own message.
void CredentialDoor::tell(uid_t uid, const std::string& unit, const std::string& id,
                          const std::string& reason) {
    const std::string message = unit.empty() ? concat("a credential is refused: ", reason)
                                             : concat(unit, " is refused the credential ", id, ": ", reason);
    spdlog::warn("{}", message);
    if (unit.empty() || uid != 0) return;  // nobody else is to write into the journal of a unit
    JournalEntry entry;
    entry.add("MESSAGE", message);
    entry.add("MESSAGE_ID", kMessageId);
    entry.add("PRIORITY", kWarning);
    entry.add("SYSLOG_IDENTIFIER", "cofferd");
    entry.add("UNIT", unit);
    entry.add("OBJECT_SYSTEMD_UNIT", unit);  // what journalctl believes of a daemon that is not process 1
    entry.add("COFFER_CREDENTIAL", id);
    entry.add("COFFER_REASON", reason);
    if (!journal_) {
        if (auto opened = AuditJournal::open(kJournalSocket)) journal_ = *std::move(opened);
    }
    if (journal_ && !journal_->send(entry)) journal_.reset();
}

}  // namespace coffer
