// SPDX-License-Identifier: Apache-2.0
//
// WarmReaders: for each revision one reader that has believed a history up to there and then sees a log that
// somebody has changed behind that. One signature instead of all of them for each case, and just the way in
// which a running daemon meets a forgery. ColdReader is the other one: it begins with nothing.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "support/test_store.h"
#include "tamper/oracle.h"

namespace coffer::test {

// A reader without memory; with `seed` one that has been told the head of the whole history.
inline Result<VerifiedStore> cold_reader(const TrueHistory& history, std::shared_ptr<const StoredRows> rows,
                                         bool seed = false) {
    StoreOptions options;
    options.pin = history.pin();
    if (seed) options.seed = Watermark{history.pin(), history.head_at(history.last())};
    return VerifiedStore::open(std::make_unique<MemoryLog>(std::move(rows)), std::move(options));
}

struct WarmReader {
    std::shared_ptr<StoredRows> rows;  // what it reads
    VerifiedStore store;
};

class WarmReaders {
  public:
    explicit WarmReaders(const TrueHistory& history) : history_(history), readers_(history.last() + 1) {}

    // The reader that has believed the history up to `revision`; its rows are the whole history's.
    WarmReader& at(std::uint64_t revision) {
        auto& reader = readers_[revision];
        if (!reader) {
            auto rows = history_.rows();
            const auto all = rows->commits;
            rows->commits.resize(revision);
            auto store = must(cold_reader(history_, rows));
            rows->commits = all;
            reader = std::make_unique<WarmReader>(WarmReader{std::move(rows), std::move(store)});
            if (reader->store.alarm() || reader->store.view().head() != history_.head_at(revision))
                FAIL("the history itself is not believed");
        }
        return *reader;
    }
    // After it has believed something else.
    void forget(std::uint64_t revision) { readers_[revision].reset(); }

  private:
    const TrueHistory& history_;
    std::vector<std::unique_ptr<WarmReader>> readers_;
};

// A reader at `revision` looks at the changed log and must go on believing exactly that; `rule` is what it
// has to say of revision + 1, if that is known. Depth::names is looked at where `closely`.
inline std::string after_a_look(WarmReader& reader, const TrueHistory& history, std::uint64_t revision,
                                std::string_view rule, bool closely) {
    if (auto looked = reader.store.catch_up(); !looked) return "it fails: " + looked.error().message;
    const auto& alarm = reader.store.alarm();
    if (reader.store.view().head() != history.head_at(revision)) return "it believes what was forged";
    if (!alarm) return "it raises no alarm";
    if (alarm->revision != revision + 1) return concat("the alarm is about revision ", alarm->revision);
    if (alarm->error.rule.empty()) return "no rule: " + alarm->error.message;
    if (!rule.empty() && alarm->error.rule != rule)
        return concat("expected the rule ", rule, ", found ", alarm->error.rule);
    return closely ? difference(reader.store, history, revision, Depth::names) : "";
}

}  // namespace coffer::test
