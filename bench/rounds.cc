// SPDX-License-Identifier: Apache-2.0
#include "rounds.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>

namespace {

char buffer[128 * 1024];  // what cat(1) reads at a time; the benchmark has one thread

// Closes on every path and keeps the errno of what failed before.
bool close_after(int fd, bool good) {
    int error = errno;
    if (close(fd) != 0) return false;
    errno = error;
    return good;
}

bool open_read_close(const char* path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    return close_after(fd, read(fd, buffer, 4096) > 0);
}

// What strace shows of cat(1) between opening and closing its argument.
bool cat(const char* path) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    struct stat attributes;
    bool good = fstat(fd, &attributes) == 0 && read(fd, buffer, sizeof buffer) > 0 &&
                read(fd, buffer, sizeof buffer) == 0;
    return close_after(fd, good);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Microseconds for one sequence, or below 0 when it failed.
double time_round(const Sequence& sequence, const std::string& path, int repeats) {
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i)
        if (!sequence.once(path.c_str())) return -1;
    std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
    return taken.count() / repeats;
}

}  // namespace

const std::vector<Sequence> kSequences = {{"open+read+close", open_read_close},
                                          {"open+fstat+read+read+close", cat}};

bool compare(const Plan& plan, const Sequence& sequence, Comparison& result, std::string& problem) {
    std::vector<double> null_us, coffer_us, ratios;
    for (int round = -1; round < plan.rounds; ++round) {  // round -1 warms caches and is not counted
        double times[2];
        for (int turn = 0; turn < 2; ++turn) {
            int which = (turn + round + 1) % 2;  // who goes first changes each round
            const std::string& path = which == 0 ? plan.null_file : plan.coffer_file;
            times[which] = time_round(sequence, path, plan.repeats);
            if (times[which] < 0) {
                problem = path + ": " + std::generic_category().message(errno);
                return false;
            }
        }
        if (round < 0) continue;
        null_us.push_back(times[0]);
        coffer_us.push_back(times[1]);
        ratios.push_back(times[1] / times[0]);
    }
    auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
    result = {sequence.name, median(null_us), median(coffer_us), median(ratios), *low, *high};
    return true;
}
