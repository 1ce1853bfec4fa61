// SPDX-License-Identifier: Apache-2.0
#include "access/policy/open_counts.h"

#include <charconv>

#include "access/attest/proc_folder.h"

namespace coffer {
namespace {

constexpr std::chrono::seconds kBetweenSweeps{1};

// "process TGID START", as access/policy/policy.cc writes it. Others (invocations of units) are few and stay.
bool is_dead_process(std::string_view subject) {
    constexpr std::string_view kProcess = "process ";
    if (!subject.starts_with(kProcess)) return false;
    subject.remove_prefix(kProcess.size());
    pid_t tgid = 0;
    std::uint64_t start = 0;
    const char* end = subject.data() + subject.size();
    auto number = std::from_chars(subject.data(), end, tgid);
    if (number.ec != std::errc() || number.ptr == end) return false;
    (void)std::from_chars(number.ptr + 1, end, start);
    auto folder = ProcFolder::open(tgid);
    if (!folder) return true;
    auto now = folder->start_ticks();
    return !now || *now != start;
}

}  // namespace

std::uint32_t OpenCounts::count(std::string_view rule, std::string_view subject) const {
    std::lock_guard lock(mutex_);
    auto of_rule = rules_.find(rule);
    if (of_rule == rules_.end()) return 0;
    auto found = of_rule->second.subjects.find(std::string(subject));
    return found == of_rule->second.subjects.end() ? 0 : found->second;
}

bool OpenCounts::take(std::string_view rule, std::string_view subject, std::uint32_t max) {
    std::lock_guard lock(mutex_);
    auto of_rule = rules_.find(rule);
    if (of_rule == rules_.end()) of_rule = rules_.emplace(rule, OfRule()).first;
    auto& subjects = of_rule->second.subjects;
    auto found = subjects.find(std::string(subject));
    if (found == subjects.end()) {
        if (subjects.size() >= kMaxSubjects) forget_dead(of_rule->second);
        if (subjects.size() >= kMaxSubjects) return false;
        found = subjects.emplace(subject, 0).first;
    }
    if (found->second >= max) return false;
    ++found->second;
    return true;
}

void OpenCounts::forget_dead(OfRule& rule) {
    auto now = std::chrono::steady_clock::now();
    if (now - rule.swept < kBetweenSweeps) return;
    rule.swept = now;
    std::erase_if(rule.subjects, [](const auto& one) { return is_dead_process(one.first); });
}

}  // namespace coffer
