// SPDX-License-Identifier: Apache-2.0
//
// bench: what a read through coffer costs beside a read through null_fs, the file system that does nothing.
// Both are mounted already (scripts/bench does it). Client and daemons are pinned to one CPU: a request that
// crosses CPUs pays for waking the other one, several times what either file system does, and unpinned runs
// flip between the two. Exit status: 0 within the limit, 1 above it or failed, 2 usage.
#include <dirent.h>
#include <sched.h>
#include <sys/types.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "rounds.h"

namespace {

// All threads of a process; the daemons start theirs before they serve.
bool pin(pid_t process, int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(cpu), &set);
    if (process == 0) return sched_setaffinity(0, sizeof set, &set) == 0;
    DIR* tasks = opendir(("/proc/" + std::to_string(process) + "/task").c_str());
    if (!tasks) return false;
    bool good = true;
    while (const dirent* task = readdir(tasks)) {  // NOLINT(concurrency-mt-unsafe): one thread
        if (task->d_name[0] == '.') continue;
        pid_t thread = static_cast<pid_t>(std::strtol(task->d_name, nullptr, 10));
        if (sched_setaffinity(thread, sizeof set, &set) != 0) good = false;
    }
    closedir(tasks);
    return good;
}

void print_table(const std::vector<Comparison>& results, double limit) {
    std::printf("%-28s %10s %10s %7s %15s\n", "sequence", "null us", "coffer us", "ratio", "of the rounds");
    for (const Comparison& one : results)
        std::printf("%-28s %10.1f %10.1f %7.2f    %5.2f to %5.2f  %s\n", one.sequence.c_str(), one.null_us,
                    one.coffer_us, one.ratio, one.low, one.high, one.ratio <= limit ? "" : "ABOVE THE LIMIT");
    std::printf("limit: %.2f x null\n", limit);
}

void print_json(const std::vector<Comparison>& results, double limit) {
    std::printf("{\"limit\":%.2f,\"results\":[", limit);
    const char* separator = "";
    for (const Comparison& one : results) {
        std::printf(
            "%s{\"sequence\":\"%s\",\"null_us\":%.2f,\"coffer_us\":%.2f,\"ratio\":%.3f,"
            "\"low\":%.3f,\"high\":%.3f}",
            separator, one.sequence.c_str(), one.null_us, one.coffer_us, one.ratio, one.low, one.high);
        separator = ",";
    }
    std::printf("]}\n");
}

struct Options {
    Plan plan;
    std::vector<pid_t> daemons;
    int cpu = 1;
    double limit = 1.7;
    bool json = false;
};

int run(const Options& options) {
    if (!pin(0, options.cpu)) {
        std::fprintf(stderr, "bench: cannot pin to CPU %d: %s\n", options.cpu,
                     std::generic_category().message(errno).c_str());
        return 1;
    }
    for (pid_t daemon : options.daemons) {
        if (pin(daemon, options.cpu)) continue;
        std::fprintf(stderr, "bench: cannot pin process %d to CPU %d\n", daemon, options.cpu);
        return 1;
    }
    std::vector<Comparison> results;
    bool within = true;
    for (const Sequence& sequence : kSequences) {
        Comparison result;
        std::string problem;
        if (!compare(options.plan, sequence, result, problem)) {
            std::fprintf(stderr, "bench: %s of %s\n", sequence.name, problem.c_str());
            return 1;
        }
        within = within && result.ratio <= options.limit;
        results.push_back(result);
    }
    options.json ? print_json(results, options.limit) : print_table(results, options.limit);
    return within ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    Options options;
    CLI::App app{"Measures reads through coffer beside reads through null_fs"};
    app.add_option("--null", options.plan.null_file, "the file in null_fs")->required();
    app.add_option("--coffer", options.plan.coffer_file, "the file in coffer")->required();
    app.add_option("--daemon", options.daemons, "process id of a daemon to pin, repeatable");
    app.add_option("--cpu", options.cpu, "the CPU that everything is pinned to")
        ->check(CLI::NonNegativeNumber);
    app.add_option("--rounds", options.plan.rounds, "rounds, at least 7")->check(CLI::Range(7, 1000));
    app.add_option("--repeats", options.plan.repeats, "sequences per file and round")
        ->check(CLI::Range(1, 10000000));
    app.add_option("--limit", options.limit, "the greatest ratio that is good")->check(CLI::PositiveNumber);
    app.add_flag("--json", options.json, "one JSON object instead of a table");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return run(options);
} catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
}
