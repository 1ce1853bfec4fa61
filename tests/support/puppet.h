// SPDX-License-Identifier: Apache-2.0
//
// Puppet: a forked child that waits, and does one of its actions when told, so that a test can look at it
// before and after. Killed and reaped at the end.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace coffer::test {

class Puppet {
  public:
    using Action = std::function<int()>;

    explicit Puppet(std::vector<Action> actions = {}) {
        int orders[2], answers[2];
        if (pipe2(orders, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0)
            throw std::runtime_error("pipe2 failed");
        pid_ = fork();
        if (pid_ < 0) throw std::runtime_error("fork failed");
        if (pid_ == 0) {
            close(orders[1]);
            close(answers[0]);
            obey(actions, orders[0], answers[1]);
        }
        close(orders[0]);
        close(answers[1]);
        order_ = orders[1];
        answer_ = answers[0];
    }
    ~Puppet() {
        kill();
        close(order_);
        close(answer_);
    }
    Puppet(const Puppet&) = delete;
    Puppet& operator=(const Puppet&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }

    // What the action returned; kExecuted when it has become another program.
    static constexpr int kExecuted = -4242;
    int act(unsigned char action) {
        int result = 0;
        if (write(order_, &action, 1) != 1) throw std::runtime_error("the child takes no orders");
        ssize_t size = read(answer_, &result, sizeof result);
        return size == 0 ? kExecuted : result;
    }
    void kill() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
        pid_ = -1;
    }

  private:
    [[noreturn]] static void obey(const std::vector<Action>& actions, int orders, int answers) {
        unsigned char action = 0;
        while (read(orders, &action, 1) == 1) {
            int result = actions.at(action)();
            if (write(answers, &result, sizeof result) != sizeof result) _exit(1);
        }
        _exit(0);
    }

    pid_t pid_ = -1;
    int order_ = -1, answer_ = -1;
};

}  // namespace coffer::test
