// SPDX-License-Identifier: Apache-2.0
#include "serve/status.h"

namespace coffer {

bool Status::raise(std::string_view part, std::string_view problem) {
    std::lock_guard lock(mutex_);
    auto found = problems_.find(part);
    if (found != problems_.end()) {
        if (found->second == problem) return false;
        found->second = problem;
        return true;
    }
    if (problems_.size() >= kMaxProblems) return false;
    problems_.emplace(part, problem);
    return true;
}

bool Status::clear(std::string_view part) {
    std::lock_guard lock(mutex_);
    auto found = problems_.find(part);
    if (found == problems_.end()) return false;
    problems_.erase(found);
    return true;
}

std::map<std::string, std::string, std::less<>> Status::problems() const {
    std::lock_guard lock(mutex_);
    return problems_;
}

}  // namespace coffer
