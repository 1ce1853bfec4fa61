// SPDX-License-Identifier: Apache-2.0
//
// Rounds: one sequence of system calls, timed on two files in turn. Absolute times on a shared machine drift
// by tens of per cent within a minute; two file systems measured in alternation drift together, so the ratio
// of neighbours is what is reported, as the median over the rounds.
#pragma once

#include <string>
#include <vector>

// What a program does to one file. `once` returns false, with errno set, when a call fails or the file is
// empty: a failing file system is fast.
struct Sequence {
    const char* name;
    bool (*once)(const char* path);
};
extern const std::vector<Sequence> kSequences;

struct Comparison {
    std::string sequence;
    double null_us = 0, coffer_us = 0;  // medians of the rounds, microseconds for one sequence
    double ratio = 0;                   // the median of each round's coffer / null
    double low = 0, high = 0;           // the least and the greatest of the rounds' ratios
};

struct Plan {
    std::string null_file, coffer_file;
    int rounds = 9;
    int repeats = 4000;  // of the sequence, per file and round
};

// False, with the reason in `problem`, when a file cannot be read.
[[nodiscard]] bool compare(const Plan& plan, const Sequence& sequence, Comparison& result,
                           std::string& problem);
