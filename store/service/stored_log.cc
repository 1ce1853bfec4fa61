// SPDX-License-Identifier: Apache-2.0
#include "service/stored_log.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <thread>

#include "base/socket_address.h"

namespace coffer {
namespace {

using std::chrono::steady_clock;

constexpr timeval kPatience{60, 0};
constexpr std::chrono::milliseconds kLookAgain{250};
constexpr std::size_t kAtOnce = 64u << 10;

Failure cannot_connect(const std::filesystem::path& path, int error) {
    if (error == EACCES || error == EPERM)
        return fail(Code::not_allowed, "this user may not use ", path.string(),
                    ": be in the group of that socket (usermod -aG coffer-members USER, then log in again)");
    return fail(Code::unavailable, "coffer-stored does not listen at ", path.string(), " (",
                errno_text(error),
                "): start it, with `systemctl start coffer-stored.socket` where systemd runs");
}

}  // namespace

Result<std::unique_ptr<StoredLog>> StoredLog::connect(const std::filesystem::path& socket) {
    std::unique_ptr<StoredLog> log(new StoredLog(socket));
    COFFER_CHECK(log->open());
    return log;
}

Result<void> StoredLog::open() {
    auto address = socket_address(path_);
    if (!address) return wrap(std::move(address).error(), "store_socket");
    socket_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket_) return fail(Code::failed, "socket: ", errno_text());
    for (int option : {SO_RCVTIMEO, SO_SNDTIMEO})  // the latter for connect(2) too
        (void)::setsockopt(socket_.get(), SOL_SOCKET, option, &kPatience, sizeof kPatience);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
        const int error = errno;
        socket_.reset();
        return cannot_connect(path_, error);
    }
    COFFER_TRY(auto body, ask_once(encode(HelloRequest{})));
    COFFER_TRY(auto greeting, parse_greeting(body));
    store_file_ = std::move(greeting.store);
    return {};
}

// ---- one question, one answer

Failure StoredLog::silent(int error) {
    socket_.reset();
    lost_ = error != EAGAIN && error != EWOULDBLOCK;
    return fail(Code::unavailable, "coffer-stored at ", path_.string(),
                lost_ ? " has ended the connection" : " does not answer", "; try again");
}

Result<Bytes> StoredLog::receive(std::size_t size) {
    Bytes out;
    while (out.size() < size) {
        const std::size_t before = out.size();
        out.resize(before + std::min(size - before, kAtOnce));
        const ssize_t got = ::recv(socket_.get(), out.data() + before, out.size() - before, 0);
        const int error = got == 0 ? ECONNRESET : errno;
        out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
        if (got < 0 && error == EINTR) continue;
        if (got <= 0) return silent(error);
    }
    return out;
}

Result<StoredLog::Reply> StoredLog::exchange(ByteView request) {
    while (!request.empty()) {
        const ssize_t size = ::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno != EPIPE && errno != ECONNRESET) return silent(errno);
        if (size < 0) break;  // refused half way: the reason stands there to be read
        request = request.subspan(static_cast<std::size_t>(size));
    }
    COFFER_TRY(auto first, receive(kFrameHeader));
    COFFER_TRY(auto header, parse_reply_header(first));
    COFFER_TRY(auto body, receive(header.size));
    return Reply{header.kind, std::move(body)};
}

Result<Bytes> StoredLog::ask_once(ByteView request) {
    lost_ = false;
    auto reply = exchange(request);
    if (!reply) {
        socket_.reset();  // half an answer is no place to go on from
        return tl::make_unexpected(std::move(reply).error());
    }
    if (reply->kind == ReplyKind::done) return std::move(reply->body);
    COFFER_TRY(auto error, parse_error(reply->body));
    return tl::make_unexpected(std::move(error));
}

Result<Bytes> StoredLog::ask(ByteView request) {
    if (socket_) {
        auto answer = ask_once(request);
        if (answer || !lost_) return answer;
    }
    COFFER_CHECK(open());
    return ask_once(request);
}

// ---- Backend

Result<Head> StoredLog::head() {
    COFFER_TRY(auto body, ask(encode(HeadRequest{})));
    return parse_head(body);
}

Result<std::vector<StoredCommit>> StoredLog::read(std::uint64_t from, std::size_t limit) {
    COFFER_TRY(auto body, ask(encode(ReadRequest{from, static_cast<std::uint32_t>(limit)})));
    return parse_commits(body);
}

Result<void> StoredLog::append(const Head& expected, ByteView commit, std::span<const Bytes> payloads) {
    const Bytes request = encode_append(expected, commit, payloads);
    if (request.size() > kFrameHeader + kMaxAppendBody)
        return fail(Code::limit, "a commit and its payloads have at most ", kMaxAppendBody, " bytes, these ",
                    request.size());
    for (int tries = 0;; ++tries) {
        if (!socket_) COFFER_CHECK(open());
        auto answer = ask_once(request);
        if (answer) return parse_done(*answer);
        if (!lost_ || tries > 0) return tl::make_unexpected(std::move(answer).error());
        // The service went away in between. Either it is stored, then it is done, or it is not.
        COFFER_TRY(auto stored, read(expected.revision + 1, 1));
        if (!stored.empty() && std::ranges::equal(stored[0].bytes, commit)) return {};
    }
}

Result<Bytes> StoredLog::payload(const Hash& hash) {
    COFFER_TRY(auto body, ask(encode(PayloadRequest{hash})));
    return parse_payload(body);
}

Result<void> StoredLog::drop_payload(const Hash& hash) {
    COFFER_TRY(auto body, ask(encode(DropPayloadRequest{hash})));
    return parse_done(body);
}

Result<std::vector<Hash>> StoredLog::payload_hashes() {
    std::vector<Hash> out;
    std::optional<Hash> after;
    while (true) {
        COFFER_TRY(auto body, ask(encode(PayloadHashesRequest{after})));
        COFFER_TRY(auto page, parse_hashes(body));
        if (page.empty()) return out;
        // Else a service that says the same again and again would be listened to for ever.
        if (after && page.front() <= *after)
            return fail(Code::unavailable, "coffer-stored lists hashes out of order");
        after = page.back();
        out.insert(out.end(), page.begin(), page.end());
    }
}

Result<void> StoredLog::cut_after(std::uint64_t) {
    return fail(Code::not_allowed,
                "coffer-stored cuts nothing off a log: stop it, and run `coffer verify --repair`"
                " as the user who owns ",
                store_file_);
}

Result<void> StoredLog::wait(std::uint64_t after, std::chrono::milliseconds timeout) {
    const auto until = steady_clock::now() + timeout;
    while (true) {
        COFFER_TRY(auto found, head());
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
        if (found.revision != after || left.count() <= 0) return {};
        std::this_thread::sleep_for(std::min(left, kLookAgain));
    }
}

}  // namespace coffer
