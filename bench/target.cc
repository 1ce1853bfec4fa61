// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <cerrno>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <system_error>

Target::Target(const std::string& text) {
    if (!text.starts_with('@')) {
        paths_.push_back(text);
        return;
    }
    std::ifstream file(text.substr(1));
    for (std::string line; std::getline(file, line);) paths_.push_back(line);
    if (paths_.empty()) throw std::runtime_error("no path is listed in " + text.substr(1));
}

void Target::use(const Sequence& sequence) {
    const std::string& path = paths_[next_];
    next_ = next_ + 1 == paths_.size() ? 0 : next_ + 1;
    if (sequence.once(path.c_str())) return;
    const int error = errno;
    throw std::runtime_error(std::string(sequence.name) + " of " + path + ": " +
                             (error == 0 ? "it is empty" : std::generic_category().message(error)));
}

double Target::time(const Sequence& sequence, int repeats) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i) use(sequence);
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - start;
    return taken.count() / repeats;
}
