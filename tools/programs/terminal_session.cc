// SPDX-License-Identifier: Apache-2.0
#include "programs/terminal_session.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <array>

#include "base/child.h"

namespace coffer {
namespace {

constexpr int kNewsDescriptor = 3;

struct News {
    int error = 0;  // the program did not start
    pid_t program = -1;
    int status = 0;
};

// Smaller than a pipe writes at once. Where nobody reads any more the program has lost its terminal too.
void tell(int to, const News& news) {
    while (::write(to, &news, sizeof news) < 0 && errno == EINTR) {
    }
}

std::optional<News> hear(int from) {
    News news;
    ssize_t size = -1;
    while ((size = ::read(from, &news, sizeof news)) < 0 && errno == EINTR) {
    }
    if (size != sizeof news) return std::nullopt;
    return news;
}

// Signals are blocked here as they are in the process that it comes from.
[[noreturn]] void lead(const std::string& slave, int to, const std::function<int(pid_t&)>& spawn) {
    ::setsid();
    News news;
    // The first terminal that the leader of a session opens is the session's.
    const int terminal = ::open(slave.c_str(), O_RDWR | O_CLOEXEC);
    news.error = terminal < 0 ? errno : spawn(news.program);
    tell(to, news);
    if (news.error != 0) _exit(1);
    // The other ends of the program's pipes and terminal, above all, are to be closed once nobody reads them.
    if (::dup2(to, kNewsDescriptor) < 0 || ::close_range(kNewsDescriptor + 1, ~0u, 0) != 0) _exit(1);
    for (;;) {
        if (::waitpid(news.program, &news.status, WUNTRACED) != news.program) continue;
        tell(kNewsDescriptor, news);
        if (!WIFSTOPPED(news.status)) _exit(0);
    }
}

}  // namespace

int TerminalSession::start(const std::string& slave, const std::function<int(pid_t&)>& spawn,
                           std::optional<TerminalSession>& session) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno;
    Descriptor from(ends[0]), to(ends[1]);
    const pid_t leader = ::fork();
    if (leader < 0) return errno;
    if (leader == 0) lead(slave, to.get(), spawn);
    to.reset();
    TerminalSession made(leader, std::move(from));
    const auto news = hear(made.news_.get());
    if (!news) return EIO;
    if (news->error != 0) return news->error;
    made.program_ = news->program;
    session.emplace(std::move(made));
    return 0;
}

TerminalSession::TerminalSession(TerminalSession&& other) noexcept
    : leader_(std::exchange(other.leader_, -1)), program_(other.program_), news_(std::move(other.news_)) {}

// It ends by itself once the program has ended.
TerminalSession::~TerminalSession() {
    if (leader_ > 0) (void)wait_for_end(leader_);
}

int TerminalSession::news() {
    const auto news = hear(news_.get());
    return news ? news->status : SIGKILL;  // as a status: the leader was killed, and the program hung up
}

}  // namespace coffer
