// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

// What parent and clients share.
struct Signals {
    std::atomic<int> ready = 0;
    std::atomic<bool> go = false, stop = false;
    std::atomic<std::uint64_t> done = 0;
};

Signals& share_signals() {
    void* memory = mmap(nullptr, sizeof(Signals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap failed");
    return *new (memory) Signals;
}

[[noreturn]] void be_client(const Sequence& sequence, Target target, Signals& signals) {
    int status = 0;
    try {
        target.use(sequence);  // a new process is attested once, before the time counts
        ++signals.ready;
        while (!signals.go) sched_yield();
        std::uint64_t done = 0;
        for (; !signals.stop; ++done) target.use(sequence);
        signals.done += done;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "client: %s\n", error.what());
        ++signals.ready;
        status = 1;
    }
    _exit(status);
}

}  // namespace

double per_second(const Load& load, const Sequence& sequence, const Target& target) {
    Signals& signals = share_signals();
    const pid_t parent = getpid();
    std::vector<pid_t> clients;
    for (int i = 0; i < load.clients; ++i) {
        const pid_t child = fork();
        if (child < 0) break;
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != parent) _exit(1);
            be_client(sequence, target, signals);
        }
        clients.push_back(child);
    }
    const auto started = static_cast<int>(clients.size());
    while (signals.ready < started) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto start = std::chrono::steady_clock::now();
    signals.go = true;
    std::this_thread::sleep_for(std::chrono::duration<double>(load.seconds));
    signals.stop = true;
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    bool good = started == load.clients;
    for (const pid_t client : clients) {
        int status = 0;
        good = waitpid(client, &status, 0) == client && status == 0 && good;
    }
    const auto done = static_cast<double>(signals.done);
    munmap(&signals, sizeof signals);
    if (!good) throw std::runtime_error("not every client could start and read");
    return done / taken.count();
}
