// SPDX-License-Identifier: Apache-2.0
#include "service/connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>

namespace coffer {
namespace {

constexpr std::size_t kAtOnce = 64u << 10;

}  // namespace

Connection::Connection(Descriptor socket, Peer peer, PeerLimits& limits, std::chrono::seconds timeout,
                       Time now)
    : socket_(std::move(socket)), peer_(peer), limits_(limits), timeout_(timeout), deadline_(now + timeout) {}

Connection::~Connection() {
    limits_.release(peer_.uid, reserved_);
    limits_.leave(peer_.uid);
}

std::uint32_t Connection::wanted_events() const {
    if (state_ == State::receiving) return EPOLLIN;
    if (state_ == State::replying) return EPOLLOUT;
    return 0;
}

Result<void> Connection::receive(Time now) {
    while (state_ == State::receiving) {
        const std::size_t whole = header_ ? header_->size : kFrameHeader;
        if (input_.size() < whole) {
            const std::size_t before = input_.size();
            input_.resize(before + std::min(whole - before, kAtOnce));
            const ssize_t size =
                ::recv(socket_.get(), input_.data() + before, input_.size() - before, MSG_DONTWAIT);
            const int error = errno;
            input_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
            if (size < 0 && error == EINTR) continue;
            if (size < 0 && (error == EAGAIN || error == EWOULDBLOCK)) return {};
            if (size <= 0) {
                end();
                return {};
            }
            if (before == 0 && !header_) deadline_ = now + timeout_;
            if (input_.size() < whole) continue;
        }
        if (header_) {
            state_ = State::whole;
            return {};
        }
        COFFER_TRY(auto header, parse_request_header(input_));
        if (!greeted_ && header.kind != RequestKind::hello)
            return fail(Code::invalid, "expected a hello first; this is the socket of coffer-stored");
        COFFER_CHECK(limits_.reserve(peer_.uid, header.size));
        reserved_ += header.size;
        header_ = header;
        input_.clear();
    }
    return {};
}

Result<Request> Connection::take_request() {
    auto request = parse_request(header_->kind, input_);
    input_ = {};  // its memory too
    header_.reset();
    return request;
}

void Connection::reply(Bytes frame, bool last, Time now) {
    limits_.release(peer_.uid, reserved_);
    reserved_ = frame.size();
    limits_.hold(peer_.uid, reserved_);
    output_ = std::move(frame);
    sent_ = 0;
    last_ = last;
    state_ = State::replying;
    deadline_ = now + timeout_;
    send_on(now);
}

void Connection::send_on(Time now) {
    while (sent_ < output_.size()) {
        const ssize_t size = ::send(socket_.get(), output_.data() + sent_, output_.size() - sent_,
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
        if (size < 0) return end();
        sent_ += static_cast<std::size_t>(size);
    }
    output_ = {};
    limits_.release(peer_.uid, reserved_);
    reserved_ = 0;
    if (last_) return end();
    await_request(now);
}

void Connection::await_request(Time now) {
    input_ = {};
    header_.reset();
    state_ = State::receiving;
    deadline_ = now + 2 * timeout_;  // a client connects anew when it has something to say again
}

}  // namespace coffer
