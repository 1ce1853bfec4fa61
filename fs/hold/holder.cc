// SPDX-License-Identifier: Apache-2.0
#include "hold/holder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/mount_table.h"
#include "hold/fuse_wire.h"
#include "hold/mount_point.h"

namespace coffer {
namespace {

void say(const std::string& text) {
    std::fprintf(stderr, "coffer-mount: %s\n", text.c_str());
}

// The daemon shares the open file, so its reads wait only while this is off.
void set_nonblocking(int device, bool on) {
    const int flags = ::fcntl(device, F_GETFL);
    (void)::fcntl(device, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

}  // namespace

Result<Holder> Holder::mount(const Settings& settings) {
    Holder out(settings);
    out.buffer_.resize(kRequestBuffer);
    COFFER_TRY(const auto path, mount_point_path(settings.mount));
    COFFER_TRY(const auto stale, find_mount(path));
    if (stale && stale->type == "fuse.coffer") {
        say(concat("taking off what an earlier coffer-mount left at ", path.string()));
        COFFER_CHECK(unmount_as_root(path));
    }
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST)
        return fail(Code::failed, "making ", path.string(), ": ", errno_text());
    COFFER_TRY(out.settings_.mount, check_mount_point(path));
    COFFER_CHECK(out.mount_afresh());
    return out;
}

Result<void> Holder::mount_afresh() {
    const std::string path = settings_.mount.string();
    if (path.size() >= record_.path.size()) return fail(Code::invalid, "the mount's path is too long");
    COFFER_TRY(device_, mount_as_root(settings_.mount));
    COFFER_TRY(auto init, answer_init(device_.get()));
    if (init.size() > record_.init.size()) return fail(Code::failed, "INIT has ", init.size(), " bytes");
    record_ = HandOver{};
    record_.init_size = static_cast<std::uint32_t>(init.size());
    std::ranges::copy(init, record_.init.begin());
    std::ranges::copy(path, record_.path.begin());
    record_.can_resend = can_resend(init) && !settings_.without_resend;
    refuse_at_ = std::chrono::steady_clock::now() + settings_.grace;
    return {};
}

Result<void> Holder::run(int listener, int signals) {
    Result<void> result;
    for (bool asked_to_end = false; result && !asked_to_end;) result = wait(listener, signals, asked_to_end);
    auto unmounted = unmount_as_root(settings_.mount);
    return result ? unmounted : result;
}

Result<void> Holder::wait(int listener, int signals, bool& asked_to_end) {
    using std::chrono::milliseconds;
    const bool listening = !daemon_;
    int timeout = -1;
    if (refuse_at_ && !refusing_) {
        const auto left = *refuse_at_ - std::chrono::steady_clock::now();
        timeout = static_cast<int>(std::max(milliseconds(0), ceil<milliseconds>(left)).count());
    }
    // The device is always asked about its end, and for requests only when they are to be refused.
    const short requests = refusing_ ? POLLIN : 0;
    std::array<pollfd, 4> wanted{{{signals, POLLIN, 0},
                                  {listening ? listener : -1, POLLIN, 0},
                                  {daemon_.get(), POLLIN, 0},
                                  {device_.get(), requests, 0}}};
    const int ready = ::poll(wanted.data(), wanted.size(), timeout);
    if (ready < 0 && errno != EINTR) return fail(Code::failed, "poll: ", errno_text());
    if (ready < 0) return {};
    asked_to_end = wanted[0].revents != 0;
    if (wanted[3].revents & (POLLERR | POLLHUP))
        return fail(Code::unavailable, "somebody has unmounted ", settings_.mount.string());
    if (wanted[1].revents) {
        accept_daemon(listener);
        return {};  // what was asked of the device is the daemon's to read
    }
    if (wanted[2].revents) return hear_daemon();
    if (wanted[3].revents) return refuse_one(device_.get(), buffer_);
    if (ready == 0) return start_refusing();
    return {};
}

void Holder::accept_daemon(int listener) {
    Descriptor peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    ucred who{};
    socklen_t size = sizeof who;
    if (!peer || ::getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return;
    if (who.uid != 0 && who.uid != settings_.user) {
        say(concat("refused to uid ", who.uid, ", process ", who.pid));
        return;
    }
    set_nonblocking(device_.get(), false);
    if (auto sent = send_hand_over(peer.get(), record_, device_.get()); !sent) {
        say(sent.error().message);
        set_nonblocking(device_.get(), refusing_);
        return;
    }
    ++record_.turn;
    say(concat("process ", who.pid, " serves"));
    daemon_ = std::move(peer);
    drained_ = refusing_ = false;
    refuse_at_.reset();
}

Result<void> Holder::hear_daemon() {
    std::array<char, 64> text{};
    const ssize_t size = ::recv(daemon_.get(), text.data(), text.size(), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return {};
    if (size > 0) {
        drained_ = std::string_view(text.data(), static_cast<std::size_t>(size)) == kDrained;
        return {};
    }
    daemon_ = Descriptor();
    say(drained_ ? "the daemon has ended; every request is answered" : "the daemon has died");
    refuse_at_ = std::chrono::steady_clock::now() + settings_.grace;
    if (drained_ || record_.can_resend) return {};
    // What it had taken can neither be answered nor sent again: abort the connection, mount another.
    say("this kernel cannot send requests again: mounting afresh; open files are lost");
    device_ = Descriptor();
    COFFER_CHECK(unmount_as_root(settings_.mount));
    return mount_afresh();
}

Result<void> Holder::start_refusing() {
    say("no daemon within the grace period: every request is answered with ENOTCONN until one comes");
    refusing_ = true;
    set_nonblocking(device_.get(), true);
    if (!record_.can_resend) return {};
    return ask_to_resend(device_.get());
}

}  // namespace coffer
