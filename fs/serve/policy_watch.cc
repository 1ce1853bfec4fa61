// SPDX-License-Identifier: Apache-2.0
#include "serve/policy_watch.h"

#include <spdlog/spdlog.h>

#include <chrono>

#include "access/policy/policy_folder.h"
#include "access/policy/policy_rule.h"

namespace coffer {
namespace {

constexpr std::chrono::milliseconds kTick{200};
constexpr std::chrono::milliseconds kQuiet{20};  // an editor's several writes are one change

}  // namespace

Result<void> PolicyWatch::load() {
    COFFER_TRY(watch_, FolderWatch::open(parts_.folder, ""));
    return read_folder();
}

Result<void> PolicyWatch::read_folder() {
    COFFER_TRY(auto policy, load_policy_folder(parts_.folder));
    const std::size_t rules = policy->rules().size();
    parts_.gate.set_policy(std::move(policy));
    parts_.status.count(Status::Count::policy_loads);
    spdlog::info("policy: {} rules in force", rules);
    if (rules == 0) spdlog::warn("policy: no rule, so nobody reads anything: {}", parts_.folder.string());
    return parts_.audit.note("policy", concat(rules, " rules in force"));
}

void PolicyWatch::start() {
    thread_ = std::thread([this] { run(); });
}

void PolicyWatch::stop() {
    stopping_.store(true);
    if (thread_.joinable()) thread_.join();
}

void PolicyWatch::run() {
    while (!stopping_.load()) {
        auto changed = watch_->wait(kTick);
        if (!changed) std::this_thread::sleep_for(kTick);
        while (changed && *changed && !stopping_.load()) {
            asked_.store(true);
            changed = watch_->wait(kQuiet);
        }
        if (!asked_.exchange(false)) continue;
        if (auto read = read_folder()) {
            if (parts_.status.clear("policy")) spdlog::info("policy: in order again");
            continue;
        } else if (parts_.status.raise("policy", read.error().message)) {
            spdlog::error("policy: {}; the policy before it stays in force", read.error().message);
            (void)parts_.audit.note("policy", concat("not taken: ", read.error().message));
        }
    }
}

}  // namespace coffer
