// SPDX-License-Identifier: Apache-2.0
#include "service/stored_server.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <set>

#include "base/supervisor.h"

namespace coffer {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{1000};        // deadlines are looked at this often
constexpr milliseconds kAcceptPause{100};  // when there are no descriptors left
constexpr int kAcceptAtOnce = 64;          // then those who are in are served

// The service manager keeps what is written here. What a client has a say in is escaped by who made it.
template <class... Parts>
void say(const Parts&... parts) {
    std::fprintf(stderr, "%s\n", concat("coffer-stored: ", parts...).c_str());
}

template <class... Kinds>
struct Overloaded : Kinds... {
    using Kinds::operator()...;
};
template <class... Kinds>
Overloaded(Kinds...) -> Overloaded<Kinds...>;

}  // namespace

Result<void> StoredServer::watch(int descriptor, std::uint32_t events, bool known) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = descriptor;
    if (::epoll_ctl(epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, descriptor, &event) != 0)
        return fail(Code::failed, "epoll_ctl: ", errno_text());
    return {};
}

Result<void> StoredServer::run() {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int signal : {SIGTERM, SIGINT}) sigaddset(&wanted, signal);
    Descriptor signals(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
    epoll_ = Descriptor(::epoll_create1(EPOLL_CLOEXEC));
    if (!signals || !epoll_) return fail(Code::failed, "signalfd or epoll: ", errno_text());
    COFFER_CHECK(watch(signals.get(), EPOLLIN, false));
    COFFER_CHECK(watch(socket_.descriptor(), EPOLLIN, false));
    last_seen_ = steady_clock::now();
    watchdog_ = watchdog_limit();
    (void)notify_supervisor("READY=1");

    bool stopping = false;
    while (!stopping) {
        std::array<epoll_event, 64> events{};
        const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), next_timeout());
        if (count < 0 && errno != EINTR) return fail(Code::failed, "epoll_wait: ", errno_text());
        const Time now = steady_clock::now();
        if (!accepting_) accepting_ = watch(socket_.descriptor(), EPOLLIN, true).has_value();
        for (int i = 0; i < count; ++i) {
            const int descriptor = events[static_cast<std::size_t>(i)].data.fd;
            if (descriptor == signals.get())
                stopping = true;
            else if (descriptor == socket_.descriptor())
                accept_some(now);
            else
                handle(descriptor, events[static_cast<std::size_t>(i)].events, now);
        }
        serve_round(steady_clock::now());
        drop_overdue(now);
        reassure(now);
        if (is_idle(now)) break;
    }
    (void)notify_supervisor("STOPPING=1");
    connections_.clear();
    return writer_.persist(true);
}

// 0 when somebody can be served at once.
int StoredServer::next_timeout() const {
    if (!waiting_.empty() && progress_) return 0;
    milliseconds tick = accepting_ ? kTick : kAcceptPause;
    if (watchdog_) tick = std::min(tick, std::chrono::duration_cast<milliseconds>(*watchdog_ / 3));
    return static_cast<int>(tick.count());
}

// Tells the service manager that the loop goes round, at most three times within the limit.
void StoredServer::reassure(Time now) {
    if (!watchdog_ || now - reassured_ < *watchdog_ / 3) return;
    (void)notify_supervisor("WATCHDOG=1");
    reassured_ = now;
}

void StoredServer::accept_some(Time now) {
    last_seen_ = now;
    for (int i = 0; i < kAcceptAtOnce; ++i) {
        auto accepted = socket_.accept();
        if (!accepted) {
            // It would be told of the same connection for ever: not listened to for one tick.
            say(accepted.error().message);
            accepting_ = !watch(socket_.descriptor(), 0, true);
            return;
        }
        if (!*accepted) return;
        auto& [socket, peer] = **accepted;
        if (auto entered = limits_.enter(peer.uid); !entered) {
            // It goes into the buffer of a new socket, or nowhere.
            const Bytes frame = encode_error(entered.error());
            (void)::send(socket.get(), frame.data(), frame.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            continue;
        }
        const int descriptor = socket.get();
        auto connection =
            std::make_unique<Connection>(std::move(socket), peer, limits_, settings_.timeout, now);
        if (!watch(descriptor, connection->wanted_events(), false)) continue;
        connections_[descriptor] = std::move(connection);
    }
}

void StoredServer::handle(int descriptor, std::uint32_t events, Time now) {
    auto found = connections_.find(descriptor);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    last_seen_ = now;
    if (connection.state() == Connection::State::receiving) {
        if (auto received = connection.receive(now); !received)
            refuse_peer(connection, received.error(), now);
        if (connection.state() == Connection::State::whole) waiting_.push_back(descriptor);
    } else if (connection.state() == Connection::State::replying) {
        connection.send_on(now);
    } else if (events & (EPOLLHUP | EPOLLERR)) {  // it waits for its turn, and nobody waits for the answer
        std::erase(waiting_, descriptor);
        connections_.erase(found);
        return;
    }
    settle(connection);
}

// Watches for what the connection waits for now, or lets it go.
void StoredServer::settle(Connection& connection) {
    const int descriptor = connection.descriptor();
    if (connection.state() == Connection::State::ended ||
        !watch(descriptor, connection.wanted_events(), true))
        connections_.erase(descriptor);
}

// One request of each user who has room for the answer; the others keep their places.
void StoredServer::serve_round(Time now) {
    std::set<uid_t> served;
    std::deque<int> later;
    while (!waiting_.empty()) {
        const int descriptor = waiting_.front();
        waiting_.pop_front();
        auto found = connections_.find(descriptor);
        if (found == connections_.end() || found->second->state() != Connection::State::whole) continue;
        Connection& connection = *found->second;
        const uid_t uid = connection.peer().uid;
        if (!limits_.has_room(uid) || !served.insert(uid).second) {
            later.push_back(descriptor);
            continue;
        }
        serve(connection, now);
        settle(connection);
    }
    waiting_ = std::move(later);
    progress_ = !served.empty();
}

void StoredServer::serve(Connection& connection, Time now) {
    auto request = connection.take_request();
    if (!request) return refuse_peer(connection, request.error(), now);
    auto reply = answer(connection, *request, now);
    const auto* hello = std::get_if<HelloRequest>(&*request);
    if (reply && hello) connection.greet();
    if (reply)
        connection.reply(*std::move(reply), false, now);
    else
        connection.reply(encode_error(reply.error()), hello != nullptr, now);
}

// For what is no request: the peer is told, and left.
void StoredServer::refuse_peer(Connection& connection, const Error& error, Time now) {
    connection.reply(encode_error(error), true, now);
}

Result<Bytes> StoredServer::answer(const Connection& connection, const Request& request, Time now) {
    const Peer& peer = connection.peer();
    return std::visit(
        Overloaded{[&](const HelloRequest& hello) -> Result<Bytes> {
                       if (hello.version != kServiceVersion)
                           return fail(Code::unavailable, "coffer-stored speaks version ", kServiceVersion,
                                       " of its protocol, this client version ", hello.version,
                                       ": install the same version of both");
                       return encode_greeting({kServiceVersion, writer_.path().string()});
                   },
                   [&](const HeadRequest&) -> Result<Bytes> {
                       COFFER_TRY(auto head, writer_.head());
                       return encode_head(head);
                   },
                   [&](const ReadRequest& read) -> Result<Bytes> {
                       COFFER_TRY(auto commits, writer_.read(read.from, read.limit));
                       return encode_commits(commits);
                   },
                   [&](const AppendRequest& one) -> Result<Bytes> { return append(peer, one, now); },
                   [&](const PayloadRequest& one) -> Result<Bytes> {
                       COFFER_TRY(auto payload, writer_.payload(one.hash));
                       return encode_payload(payload);
                   },
                   [&](const DropPayloadRequest& one) -> Result<Bytes> {
                       COFFER_CHECK(limits_.spend(peer.uid, 0, now));
                       COFFER_CHECK(writer_.drop_payload(one.hash));
                       return encode_done();
                   },
                   [&](const PayloadHashesRequest& one) -> Result<Bytes> {
                       COFFER_TRY(auto hashes, writer_.payload_hashes(one.after));
                       return encode_hashes(hashes);
                   }},
        request);
}

Result<Bytes> StoredServer::append(const Peer& peer, const AppendRequest& request, Time now) {
    std::size_t bytes = request.commit.size();
    for (const Bytes& payload : request.payloads) bytes += payload.size();
    COFFER_CHECK(limits_.spend(peer.uid, bytes, now));
    const bool may_found = peer.uid == 0 || peer.uid == ::geteuid();
    auto done = writer_.append(request.expected, request.commit, request.payloads, may_found);
    const Error* error = done ? nullptr : &done.error();
    if (!error)
        say("revision ", request.expected.revision + 1, " by uid ", peer.uid, ", process ", peer.pid);
    else if (error->code != Code::conflict || !error->rule.empty())  // a lost swap is nothing to tell of
        say("refused a commit of uid ", peer.uid, ", process ", peer.pid, ": ", error->message,
            error->rule.empty() ? "" : " [", error->rule, error->rule.empty() ? "" : "]");
    if (error) return tl::make_unexpected(*error);
    return encode_done();
}

void StoredServer::drop_overdue(Time now) {
    for (auto at = connections_.begin(); at != connections_.end();) {
        // Whose request is whole waits for the service, not the other way round.
        const bool drop = at->second->state() != Connection::State::whole && at->second->is_overdue(now);
        at = drop ? connections_.erase(at) : std::next(at);
    }
}

bool StoredServer::is_idle(Time now) const {
    return settings_.idle_exit.count() > 0 && connections_.empty() && now - last_seen_ >= settings_.idle_exit;
}

}  // namespace coffer
