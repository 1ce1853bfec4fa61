// SPDX-License-Identifier: Apache-2.0
//
// Readers that remember: older versions and whole older stores put back, and their own memory, the watermark
// and the view, taken away, exchanged or damaged.
#include "tamper/tally.h"
#include "tamper/warm_readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const TrueHistory& history() {
    static const TrueHistory kHistory;
    return kHistory;
}

std::shared_ptr<StoredRows> rows_until(std::uint64_t revision) {
    auto rows = history().rows();
    rows->commits.resize(revision);
    return rows;
}

Result<VerifiedStore> open(const std::filesystem::path& state, std::shared_ptr<StoredRows> rows) {
    StoreOptions options;
    options.pin = history().pin();
    options.state_dir = state;
    options.watermark_identity = &history().host;
    return VerifiedStore::open(std::make_unique<MemoryLog>(std::move(rows)), std::move(options));
}

}  // namespace

TEST_CASE(
    "a store put back to any older state is refused by who has seen a newer one, and taken up again after") {
    Tally tally("older states of the store put back", 9);
    TempFolder folder;
    for (std::uint64_t seen = 1; seen <= history().last(); ++seen) {
        for (std::uint64_t older = 0; older < seen; ++older) {
            if (!tally.takes()) continue;
            const auto state = folder / "state";
            std::filesystem::remove_all(state);
            INFO("revision " << seen << " was seen, " << older << " is put back");
            must(open(state, rows_until(seen)));
            // The second start finds a view that the first has emptied, or one that was never there.
            for (bool forgets : {false, false, true}) {
                if (forgets) {
                    for (const char* file : {"view.db", "view.db-wal", "view.db-shm"})
                        std::filesystem::remove(state / file);
                }
                auto refused = open(state, rows_until(older));
                REQUIRE_FALSE(refused);
                CHECK(refused.error().code == Code::tampered);
                CHECK(refused.error().rule == "store.rollback");
            }
            auto again = must(open(state, rows_until(seen)));
            REQUIRE_FALSE(again.alarm());
            REQUIRE(difference(again, history(), seen, tally.each(20) ? Depth::live : Depth::names) == "");
            tally.count("refused");
        }
    }
}

TEST_CASE("a version that is put back while a reader runs is not believed") {
    Tally tally("running readers whose store is put back");
    WarmReaders readers(history());
    for (std::uint64_t seen = 1; seen <= history().last(); ++seen) {
        for (std::uint64_t older = 0; older < seen; ++older) {
            if (!tally.takes()) continue;
            auto& reader = readers.at(seen);
            reader.rows->commits = rows_until(older)->commits;
            must(reader.store.catch_up());
            INFO("revision " << seen << " was seen, " << older << " is put back");
            REQUIRE(reader.store.alarm());
            CHECK(reader.store.alarm()->error.rule == "store.rollback");
            REQUIRE(difference(reader.store, history(), seen, Depth::names) == "");
            tally.count("refused");
        }
    }
}

TEST_CASE("a daemon's watermark with one bit changed, or cut, is refused") {
    Tally tally("bits of a daemon's watermark flipped, and lengths cut");
    const Watermark mark{history().pin(), history().head_at(history().last())};
    const std::string text = mark.encode(history().host.watermark_key());
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        if (!tally.takes()) continue;
        std::string changed = text;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        REQUIRE_FALSE(Watermark::decode(changed, history().host.watermark_key()));
        tally.count("refused");
    }
    for (std::size_t size = 0; size < text.size(); ++size) {
        REQUIRE_FALSE(Watermark::decode(text.substr(0, size), history().host.watermark_key()));
        tally.count("refused");
    }
    for (const Person& person : history().people()) {
        if (person.identity == &history().host) continue;
        for (std::uint64_t revision = 1; revision <= history().last(); ++revision) {
            const Watermark forged{history().pin(), history().head_at(revision)};
            REQUIRE_FALSE(Watermark::decode(forged.encode(person.identity->watermark_key()),
                                            history().host.watermark_key()));
            tally.count("refused");
        }
    }
}
