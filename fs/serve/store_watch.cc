// SPDX-License-Identifier: Apache-2.0
#include "serve/store_watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "base/wall_clock.h"

namespace coffer {
namespace {

constexpr std::chrono::milliseconds kTick{250};

bool touches_keys(std::span<const CommitBody> commits) {
    return std::ranges::any_of(commits, [](const CommitBody& commit) {
        return std::ranges::any_of(commit.operations, [](const Operation& operation) {
            return std::holds_alternative<Grant>(operation) || std::holds_alternative<ScopeKeyAdd>(operation);
        });
    });
}

}  // namespace

Result<void> StoreWatch::load() {
    COFFER_CHECK(parts_.keys.learn(parts_.store, parts_.host));
    COFFER_CHECK(parts_.catalogue.load(parts_.store.view()));
    report_alarm();
    return {};
}

void StoreWatch::start() {
    thread_ = std::thread([this] { run(); });
}

void StoreWatch::stop() {
    stopping_.store(true);
    if (thread_.joinable()) thread_.join();
}

void StoreWatch::run() {
    look_after_templates();
    while (!stopping_.load()) {
        // A failure to wait is seen again, and told, by catch_up.
        if (!parts_.store.backend().wait(parts_.store.view().head().revision, kTick))
            std::this_thread::sleep_for(kTick);
        catch_up();
        // wait() returns at once while the log has a tail that is not believed.
        if (parts_.store.alarm()) std::this_thread::sleep_for(kTick);
        look_after_templates();
        parts_.unsealer.drop_expired(wall_clock_ms());
        if (auto flushed = parts_.audit.flush(false); !flushed) note_problem("audit", flushed.error());
    }
    if (auto saved = parts_.store.persist_watermark(true); !saved) note_problem("watermark", saved.error());
}

void StoreWatch::catch_up() {
    std::vector<CommitBody> commits;
    auto caught_up = parts_.store.catch_up([&](const CommitBody& commit) { commits.push_back(commit); });
    // What was verified before a failure is in the view, and is served.
    if (!commits.empty()) {
        if (auto taken = take_in(commits); !taken)
            note_problem("catalogue", taken.error());
        else
            note_solved("catalogue");
    }
    if (caught_up)
        note_solved("store");
    else
        note_problem("store", caught_up.error());
    report_alarm();
    if (auto saved = parts_.store.persist_watermark(false); saved)
        note_solved("watermark");
    else
        note_problem("watermark", saved.error());
}

// Keys first, then the names that need them; only then is dropped what nobody can find any more.
Result<void> StoreWatch::take_in(std::span<const CommitBody> commits) {
    for (std::size_t i = 0; i < commits.size(); ++i) parts_.status.count(Status::Count::commits);
    const Principal* host = parts_.store.view().roster().find(parts_.host.id());
    if (!host || !host->living()) {
        parts_.keys.clear();
        parts_.unsealer.clear();
        note_problem("host", Error{Code::not_allowed,
                                   "this host has been removed from the store; its keys are wiped, and"
                                   " secrets that are not open now cannot be unsealed",
                                   {}});
    } else if (touches_keys(commits)) {
        COFFER_CHECK(parts_.keys.learn(parts_.store, parts_.host));
    }
    COFFER_TRY(auto applied, parts_.catalogue.apply(parts_.store.view(), commits));
    for (const Hash& payload : applied.dropped) parts_.unsealer.drop(payload);
    for (const SecretName& name : applied.changed) {
        note_solved(concat("payload ", name.text()));
        if (parts_.fast_names) invalidate(name);
    }
    return {};
}

void StoreWatch::invalidate(const SecretName& name) {
    for (const Place& directory : parts_.catalogue.directories_showing(name.scope))
        parts_.invalidator.order({parts_.nodes.number(directory), name.key});
}

void StoreWatch::report_alarm() {
    const auto& alarm = parts_.store.alarm();
    if (!alarm) {
        note_solved("tampering");
        return;
    }
    note_problem("tampering",
                 Error{alarm->error.code,
                       concat("revision ", alarm->revision, " is not believed: ", alarm->error.message,
                              " Revision ", parts_.store.view().head().revision, " is served."),
                       {}});
}

void StoreWatch::look_after_templates() {
    for (const auto& finding : parts_.rendered_files.refresh()) {
        if (finding.error)
            note_problem(finding.part, *finding.error);
        else
            note_solved(finding.part);
    }
}

void StoreWatch::note_problem(std::string_view part, const Error& error) {
    if (!parts_.status.raise(part, error.message)) return;
    spdlog::error("{}: {}", part, error.message);
    (void)parts_.audit.note("alarm", concat(part, ": ", error.message));
}

void StoreWatch::note_solved(std::string_view part) {
    if (!parts_.status.clear(part)) return;
    spdlog::info("{}: in order again", part);
    (void)parts_.audit.note("alarm", concat(part, ": in order again"));
}

}  // namespace coffer
