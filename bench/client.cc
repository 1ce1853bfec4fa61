// SPDX-License-Identifier: Apache-2.0
//
// client: the program that reads while the benchmark looks at its watch. Absolute times on a shared machine
// drift by tens of per cent within a minute; targets that are measured in turn drift together. So each round
// has all of them, another first each time, and the caller compares neighbours. One JSON object on stdout.
// Exit status: 0 measured, 1 something could not be read, 2 usage.
//   turns   microseconds for one sequence, of each target in each round
//   load    sequences in a second by many clients, of each target in each round
//   each    microseconds for one sequence, of each file of one target, in each pass over them
#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "load.h"
#include "pin.h"

namespace {

using Table = std::vector<std::vector<double>>;

void print(const Table& table) {
    std::printf("{\"rows\":[");
    for (std::size_t i = 0; i < table.size(); ++i) {
        std::printf("%s[", i ? "," : "");
        for (std::size_t j = 0; j < table[i].size(); ++j) std::printf("%s%.4f", j ? "," : "", table[i][j]);
        std::printf("]");
    }
    std::printf("]}\n");
}

struct Options {
    std::string sequence;
    std::vector<std::string> targets;
    int cpu = -1;  // -1: not pinned
    int rounds = 7, repeats = 1000, passes = 2;
    Load load;
};

// A row for each target, a column for each round.
Table measure_in_turn(const Options& options, const std::function<double(Target&)>& measure) {
    std::vector<Target> targets(options.targets.begin(), options.targets.end());
    Table rows(targets.size());
    for (int round = 0; round < options.rounds; ++round) {
        for (std::size_t turn = 0; turn < targets.size(); ++turn) {
            const std::size_t which = (turn + static_cast<std::size_t>(round)) % targets.size();
            rows[which].push_back(measure(targets[which]));
        }
    }
    return rows;
}

Table measure_turns(const Options& options) {
    const Sequence& sequence = find_sequence(options.sequence);
    return measure_in_turn(options, [&](Target& target) { return target.time(sequence, options.repeats); });
}

Table measure_load(const Options& options) {
    const Sequence& sequence = find_sequence(options.sequence);
    return measure_in_turn(options,
                           [&](const Target& target) { return per_second(options.load, sequence, target); });
}

// A row for each pass, a column for each file.
Table measure_each(const Options& options) {
    const Sequence& sequence = find_sequence(options.sequence);
    Target target(options.targets.at(0));
    Table rows(static_cast<std::size_t>(options.passes));
    for (auto& row : rows) {
        for (std::size_t i = 0; i < target.size(); ++i) row.push_back(target.time(sequence, 1));
    }
    return rows;
}

}  // namespace

int main(int argc, char** argv) try {
    Options options;
    CLI::App app{"Reads files in turn and tells what it took"};
    app.require_subcommand(1);
    auto* turns = app.add_subcommand("turns", "microseconds of each target in each round");
    auto* load = app.add_subcommand("load", "sequences in a second by many clients");
    auto* each = app.add_subcommand("each", "microseconds of each file in each pass");
    for (auto* one : {turns, load, each}) {
        one->add_option("--sequence", options.sequence, "what is done to a file")->required();
        one->add_option("--cpu", options.cpu, "the CPU to stay on")->check(CLI::NonNegativeNumber);
        one->add_option("TARGET", options.targets, "a path, or @FILE with a path a line")->required();
    }
    for (auto* one : {turns, load})
        one->add_option("--rounds", options.rounds, "rounds")->check(CLI::Range(1, 1000));
    turns->add_option("--repeats", options.repeats, "sequences in a round")->check(CLI::Range(1, 10000000));
    each->add_option("--passes", options.passes, "passes")->check(CLI::Range(1, 1000));
    load->add_option("--clients", options.load.clients, "processes")->check(CLI::Range(1, 1000));
    load->add_option("--seconds", options.load.seconds, "of one round")->check(CLI::Range(0.01, 60.0));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    if (options.cpu >= 0) pin(options.cpu);
    print(*turns ? measure_turns(options) : *load ? measure_load(options) : measure_each(options));
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "client: %s\n", error.what());
    return 1;
}
