// SPDX-License-Identifier: Apache-2.0
//
// Sequence: what a program does to one file or directory, as the system calls that it makes for it.
#pragma once

#include <string>
#include <string_view>

// `once` returns false, with errno set, when a call fails or what is read is empty: a failing file system is
// fast. Not for two threads at a time.
struct Sequence {
    std::string_view name;
    bool (*once)(const char* path);
};

// Throws std::runtime_error, with the names that there are, for one that is not known.
const Sequence& find_sequence(std::string_view name);
