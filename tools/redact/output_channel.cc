// SPDX-License-Identifier: Apache-2.0
#include "redact/output_channel.h"

#include <sys/stat.h>

#include <algorithm>
#include <climits>
#include <optional>

namespace coffer {
namespace {

constexpr std::size_t kRoom = 64u << 10;

// A pipe that poll(2) calls writable takes this much at once: pipe(7). A terminal is treated the same.
std::size_t most_at_once(int to, OutputChannel::Writing writing) {
    struct stat status {};
    const bool file = ::fstat(to, &status) == 0 && S_ISREG(status.st_mode);
    return writing == OutputChannel::Writing::waits || file ? SSIZE_MAX : PIPE_BUF;
}

}  // namespace

OutputChannel::OutputChannel(Descriptor from, int to, const Redactor& redactor, Writing writing)
    : from_(std::move(from)), to_(to), most_(most_at_once(to, writing)), stream_(redactor), room_(kRoom) {}

pollfd OutputChannel::wanted() const {
    if (is_pending()) return {to_, POLLOUT, 0};
    return {from_.get(), POLLIN, 0};
}

std::optional<OutputChannel::Clock::time_point> OutputChannel::deadline() const {
    if (stream_.held() == 0 || is_pending()) return std::nullopt;
    return fed_ + (stream_.held() < kHardlyChance ? kPause : kLongPause);
}

void OutputChannel::ready(short events) {
    if (events == 0) return;
    if (is_pending())
        give();
    else
        take();
}

// While this process was kept from reading, by a slow reader of its output or a busy host, more may have
// come: that is no pause.
void OutputChannel::tick(Clock::time_point now) {
    const auto end = deadline();
    if (!end || now < *end) return;
    pollfd more{from_.get(), POLLIN, 0};
    if (::poll(&more, 1, 0) == 0) flush();
}

void OutputChannel::lock_again() const {
    stream_.lock_again();
    coffer::lock_again(room_);
    coffer::lock_again(pending_);
}

void OutputChannel::flush() {
    stream_.flush(pending_);
}

void OutputChannel::take() {
    const ssize_t size = ::read(from_.get(), room_.data(), room_.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (size <= 0) {
        // A terminal that nobody has open any more is at its end.
        if (size < 0 && errno != EIO) read_error_ = errno;
        from_.reset();
        flush();
        return;
    }
    stream_.feed(ByteView(room_).first(static_cast<std::size_t>(size)), pending_);
    fed_ = Clock::now();
}

void OutputChannel::give() {
    const std::size_t size = std::min(most_, pending_.size() - written_);
    const ssize_t count = ::write(to_, pending_.data() + written_, size);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count < 0) {
        // Whoever writes into the source learns it as it would have without us: by SIGPIPE or SIGHUP.
        write_error_ = errno;
        from_.reset();
    }
    written_ += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    if (count >= 0 && is_pending()) return;
    pending_.clear();
    written_ = 0;
}

int poll_timeout(const std::vector<OutputChannel>& channels) {
    std::optional<OutputChannel::Clock::time_point> first;
    for (const OutputChannel& channel : channels) {
        auto end = channel.deadline();
        if (end && (!first || *end < *first)) first = end;
    }
    if (!first) return -1;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(*first - OutputChannel::Clock::now()).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

}  // namespace coffer
