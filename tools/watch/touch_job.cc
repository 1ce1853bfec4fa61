// SPDX-License-Identifier: Apache-2.0
#include "watch/touch_job.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <utility>

#include "base/child.h"
#include "base/file.h"
#include "base/pipe.h"

namespace coffer {
namespace {

using End = TouchReport::End;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kRevisionPatience{5};
constexpr useconds_t kPause = 5000;  // microseconds between two looks at the revision
constexpr int kTries = 3;

// --- in the child ---

End end_of(int error) {
    return error == ENOENT || error == EACCES || error == EPERM ? End::closed : End::nobody;
}

// The revision that is served, or why it cannot be known.
std::optional<std::uint64_t> served_revision(const std::string& file, End& why) {
    Descriptor revision(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 32> text{};
    const ssize_t size = revision ? ::read(revision.get(), text.data(), text.size()) : -1;
    if (size < 0) {
        why = end_of(errno);
        return std::nullopt;
    }
    std::uint64_t value = 0;
    if (std::from_chars(text.data(), text.data() + size, value).ec != std::errc()) {
        why = End::nobody;
        return std::nullopt;
    }
    return value;
}

End wait_for_revision(const TouchOrder& order) {
    const std::string file = order.mount / ".coffer/revision";
    const auto end = Clock::now() + kRevisionPatience;
    for (;;) {
        End why = End::behind;
        const auto served = served_revision(file, why);
        if (!served) return why;
        if (*served >= order.revision) return End::done;
        if (Clock::now() >= end) return End::behind;
        ::usleep(kPause);
    }
}

// 0, or the errno. The size is that of the version that was opened, whatever comes after it. A reader's lease
// would keep an open for writing waiting; the time alone is set then, which fires IN_MODIFY without an open.
int touch_once(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
    if (!file && errno == EWOULDBLOCK) {
        const std::array<timespec, 2> times{{{0, UTIME_OMIT}, {::time(nullptr), 0}}};
        return ::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
    }
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0) return errno;
    return ::ftruncate(file.get(), status.st_size) == 0 ? 0 : errno;
}

// What nobody on this host is shown has no watcher.
bool is_shown_to_nobody(int error) {
    return error == ENOENT || error == ENOKEY || error == EKEYEXPIRED;
}

[[noreturn]] void work(const TouchOrder& order, int to) {
    const End end = wait_for_revision(order);
    if (end != End::done) _exit(static_cast<int>(end));
    for (const std::string& name : order.files) {
        const std::string path = order.mount / name;
        int error = ESTALE;
        for (int tries = 0; tries < kTries && error == ESTALE; ++tries) error = touch_once(path);
        if (error == ENOTCONN || error == ECONNABORTED) _exit(static_cast<int>(End::nobody));
        if (error != 0 && !is_shown_to_nobody(error))
            (void)write_all(to, as_bytes(concat(name, ": ", errno_text(error), '\n')));
    }
    _exit(static_cast<int>(End::done));
}

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t feed; (feed = text.find('\n')) != text.npos; text.remove_prefix(feed + 1))
        out.emplace_back(text.substr(0, feed));
    return out;
}

}  // namespace

Result<TouchJob> TouchJob::start(const TouchOrder& order) {
    COFFER_TRY(auto pipe, Pipe::make());
    auto& [from, to] = pipe;
    if (::fcntl(from.get(), F_SETFL, O_NONBLOCK) != 0) return fail(Code::failed, "fcntl: ", errno_text());
    const pid_t parent = ::getpid(), child = ::fork();
    if (child < 0) return fail(Code::failed, "fork: ", errno_text());
    if (child == 0) {
        // It is of no use to anybody once its parent has gone.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) _exit(1);
        let_go_of_stdio();
        work(order, to.get());
    }
    return TouchJob(child, std::move(from));
}

TouchJob::TouchJob(TouchJob&& other) noexcept
    : child_(std::exchange(other.child_, -1)),
      from_(std::move(other.from_)),
      text_(std::move(other.text_)),
      started_(other.started_) {}

TouchJob& TouchJob::operator=(TouchJob&& other) noexcept {
    std::swap(child_, other.child_);
    std::swap(from_, other.from_);
    std::swap(text_, other.text_);
    std::swap(started_, other.started_);
    return *this;
}

TouchJob::~TouchJob() {
    if (child_ >= 0) abandon(child_);
}

void TouchJob::kill() const {
    (void)::kill(child_, SIGKILL);
}

void TouchJob::take_text() {
    std::array<char, 4096> buffer{};
    ssize_t size;
    while ((size = ::read(from_.get(), buffer.data(), buffer.size())) > 0)
        text_.append(buffer.data(), static_cast<std::size_t>(size));
}

std::optional<TouchReport> TouchJob::look() {
    take_text();
    int status = 0;
    const pid_t ended = ::waitpid(child_, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR)) return std::nullopt;
    child_ = -1;
    take_text();
    TouchReport report;
    if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) <= static_cast<int>(End::nobody))
        report.end = static_cast<End>(WEXITSTATUS(status));
    report.problems = lines_of(text_);
    return report;
}

}  // namespace coffer
