// SPDX-License-Identifier: Apache-2.0
//
// Readers: processes that read one secret without a pause and count what they see, for tests that do
// something to the daemon meanwhile.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <chrono>
#include <new>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/client.h"

namespace coffer::test {

class Readers {
  public:
    struct Counts {
        std::atomic<std::uint64_t> good, failed, wrong, longest_ns;
        std::atomic<int> last_error;
        std::atomic<bool> stopping;
    };

    // Every read must give one of `values`.
    Readers(int count, const Who& who, const std::filesystem::path& path,
            const std::set<std::string>& values) {
        void* shared =
            mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) throw std::runtime_error("mmap");
        counts_ = new (shared) Counts{};
        for (int i = 0; i < count; ++i) {
            const pid_t child = fork();
            if (child == 0) {
                if (!become(who)) _exit(1);
                while (!counts_->stopping) read_once(path, values);
                _exit(0);
            }
            children_.push_back(child);
        }
    }
    ~Readers() {
        stop();
        munmap(counts_, sizeof(Counts));
    }
    Readers(const Readers&) = delete;
    Readers& operator=(const Readers&) = delete;

    [[nodiscard]] const Counts& counts() const { return *counts_; }
    // Whoever hangs is killed; how many did.
    int stop() {
        counts_->stopping = true;
        int hung = 0;
        for (pid_t child : children_) {
            int left = kClientPatience / 10;
            while (left > 0 && waitpid(child, nullptr, WNOHANG) == 0) {
                usleep(10000);
                --left;
            }
            if (left > 0) continue;
            ++hung;
            kill(child, SIGKILL);
            waitpid(child, nullptr, 0);
        }
        children_.clear();
        return hung;
    }

  private:
    void read_once(const std::filesystem::path& path, const std::set<std::string>& values) {
        using Clock = std::chrono::steady_clock;
        const auto start = Clock::now();
        const Outcome seen = read_path(path);
        const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count();
        if (!seen.good()) {
            counts_->failed += 1;
            counts_->last_error = seen.error;
        } else if (!values.contains(seen.text)) {
            counts_->wrong += 1;
        } else {
            counts_->good += 1;
        }
        std::uint64_t longest = counts_->longest_ns;
        const auto now = static_cast<std::uint64_t>(took);
        while (longest < now && !counts_->longest_ns.compare_exchange_weak(longest, now)) {
        }
    }

    Counts* counts_ = nullptr;
    std::vector<pid_t> children_;
};

}  // namespace coffer::test
