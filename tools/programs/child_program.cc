// SPDX-License-Identifier: Apache-2.0
#include "programs/child_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/child.h"
#include "base/pipe.h"
#include "programs/spawn_plan.h"

namespace coffer {
namespace {

std::vector<std::string> environment_with(const std::vector<std::string>& variables) {
    std::vector<std::string> out = variables;
    for (char** one = environ; *one; ++one) {
        const std::string_view entry = *one;
        const std::string_view name = entry.substr(0, entry.find('=') + 1);
        // Of two entries of one name the first one counts, for some.
        if (!std::ranges::any_of(variables, [&](const std::string& ours) { return ours.starts_with(name); }))
            out.emplace_back(entry);
    }
    return out;
}

// "status 3", "signal 9"; empty for status 0.
std::string end_text(int status) {
    if (WIFEXITED(status)) return WEXITSTATUS(status) == 0 ? "" : concat("status ", WEXITSTATUS(status));
    return concat("signal ", WTERMSIG(status));
}

// Writes `input` and reads the answer at the same time: a program may answer before it has read everything.
Result<void> exchange(Descriptor to, const Descriptor& from, ByteView input, SecretBuffer& answer,
                      std::size_t& size) {
    if (::fcntl(to.get(), F_SETFL, O_NONBLOCK) != 0) return fail(Code::failed, "fcntl: ", errno_text());
    for (;;) {
        if (input.empty()) to.reset();
        std::array<pollfd, 2> wanted{{{from.get(), POLLIN, 0}, {to.get(), POLLOUT, 0}}};
        if (::poll(wanted.data(), wanted.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return fail(Code::failed, "poll: ", errno_text());
        }
        if (to && wanted[1].revents) {
            const ssize_t count = ::write(to.get(), input.data(), input.size());
            if (count > 0) input = input.subspan(static_cast<std::size_t>(count));
            // It does not want the rest; what it makes of the beginning is its answer.
            if (count < 0 && errno != EAGAIN && errno != EINTR) input = {};
        }
        if (!wanted[0].revents) continue;
        auto room = answer.writable().subspan(size);
        if (room.empty()) return fail(Code::limit, "it writes more than ", answer.size() - 1, " bytes");
        const ssize_t count = ::read(from.get(), room.data(), room.size());
        if (count < 0 && errno != EINTR) return fail(Code::failed, "reading its output: ", errno_text());
        if (count == 0) return {};
        size += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    }
}

}  // namespace

Result<ChildProgram> ChildProgram::start(const ProgramCall& call, int input, int output) {
    sigset_t none;
    sigemptyset(&none);
    SpawnPlan plan(none);
    plan.duplicate(input, STDIN_FILENO);
    plan.duplicate(output, STDOUT_FILENO);
    const auto texts = environment_with(call.variables);
    pid_t pid = -1;
    if (const int error = plan.spawn(call.words, exec_pointers(texts), pid); error != 0)
        return fail(error == ENOENT ? Code::not_found : Code::failed, "cannot run ", call.words[0], ": ",
                    errno_text(error));
    Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    ChildProgram child(pid, std::move(pidfd));
    if (!child.pidfd_) return fail(Code::failed, "pidfd_open: ", errno_text());
    return child;
}

Result<ChildProgram> ChildProgram::start(const ProgramCall& call) {
    Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!nothing) return fail(Code::failed, "/dev/null: ", errno_text());
    return start(call, nothing.get(), STDERR_FILENO);
}

ChildProgram::ChildProgram(ChildProgram&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {}

ChildProgram::~ChildProgram() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
}

void ChildProgram::stop() const {
    ::kill(pid_, SIGTERM);
}

bool ChildProgram::ends_within(std::chrono::milliseconds time) const {
    pollfd wanted{pidfd_.get(), POLLIN, 0};
    return ::poll(&wanted, 1, static_cast<int>(time.count())) > 0;
}

std::string ChildProgram::end() {
    const int status = wait_for_end(pid_);
    pid_ = -1;
    return end_text(status);
}

Result<SecretBuffer> filter_through(const ProgramCall& call, ByteView input, std::size_t limit) {
    COFFER_TRY(auto in, Pipe::make());
    COFFER_TRY(auto out, Pipe::make());
    COFFER_TRY(auto answer, SecretBuffer::allocate(limit + 1));
    COFFER_TRY(auto child, ChildProgram::start(call, in.read_end.get(), out.write_end.get()));
    in.read_end.reset();
    out.write_end.reset();
    std::size_t size = 0;
    if (auto done = exchange(std::move(in.write_end), out.read_end, input, answer, size); !done)
        return wrap(std::move(done).error(), call.words[0]);
    out.read_end.reset();
    if (std::string end = child.end(); !end.empty())
        return fail(Code::failed, call.words[0], " ended with ", end, "; its message is above");
    answer.shrink(size);
    return answer;
}

}  // namespace coffer
