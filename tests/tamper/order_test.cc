// SPDX-License-Identifier: Apache-2.0
//
// Whole commits of real logs, each right by itself, at places where they do not belong: exchanged, doubled,
// left out, moved, older ones put back, and those of another store with the same names and people.
#include "inspection.h"
#include "tamper/tally.h"
#include "tamper/warm_readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

using Rows = std::vector<StoredCommit>;

const TrueHistory& history() {
    static const TrueHistory kHistory;
    return kHistory;
}

void number(Rows& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].revision = i + 1;
}

// The rows hold a true beginning and then something else. Three readers see them: one that had believed just
// that beginning, one that has believed everything, and now and then one that begins anew.
class OrderCase {
  public:
    explicit OrderCase(std::string kind, std::uint64_t quick = 1) : tally_(std::move(kind), quick) {}

    void check(const Rows& rows) {
        const std::uint64_t believed = history().first_difference(rows) - 1;
        const bool untouched = rows.size() == history().last() && believed == history().last();
        if (untouched || !tally_.takes()) return;
        std::string log;
        for (const auto& row : rows) log += concat(' ', row.revision);
        INFO("rows" << log << ", of which the first " << believed << " are true");
        REQUIRE(beginner(rows, believed) == "");
        REQUIRE(knower(rows) == "");
        if (tally_.each(25)) REQUIRE(newcomer(rows, believed) == "");
        tally_.count("refused");
    }

  private:
    std::string beginner(const Rows& rows, std::uint64_t believed) {
        auto& reader = readers_.at(believed);
        reader.rows->commits = rows;
        // A log that only ends early is an older one, which nobody can tell who has seen no more of it.
        if (rows.empty() || rows.back().revision <= believed) {
            must(reader.store.catch_up());
            return difference(reader.store, history(), believed, Depth::names);
        }
        return after_a_look(reader, history(), believed, "", true);
    }
    std::string knower(const Rows& rows) {
        auto& reader = readers_.at(history().last());
        reader.rows->commits = rows;
        must(reader.store.catch_up());
        const bool ends_the_same = !rows.empty() && rows.back().revision == history().last() &&
                                   rows.back().bytes == history().commits.back();
        if (!reader.store.alarm() && !ends_the_same) return "who has believed everything raises no alarm";
        return difference(reader.store, history(), history().last(),
                          tally_.each(50) ? Depth::live : Depth::names);
    }
    static std::string newcomer(const Rows& rows, std::uint64_t believed) {
        auto stored = history().rows();
        stored->commits = rows;
        auto cold = cold_reader(history(), stored);
        if (!cold) return "a new reader fails: " + cold.error().message;
        if (auto what = difference(*cold, history(), believed, Depth::values); !what.empty()) return what;
        auto seeded = cold_reader(history(), stored, true);
        const bool has_all = believed == history().last();
        if (has_all ? !seeded || !seeded->alarm() : seeded || seeded.error().rule != "store.rollback")
            return "who was told the head opens it";
        MemoryLog log(stored);
        auto found = inspect(log, history().pin());
        if (!found || found->good != history().head_at(believed)) return "verify believes something else";
        const bool more = !rows.empty() && rows.back().revision > believed;
        return more == found->broken.has_value() || rows.empty() ? "" : "verify says otherwise";
    }

    Tally tally_;
    WarmReaders readers_{history()};
};

}  // namespace

TEST_CASE("two commits that are exchanged are not believed") {
    OrderCase swapped("pairs of commits exchanged"), numbers("numbers of two rows exchanged");
    const Rows all = history().rows()->commits;
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t j = i + 1; j < all.size(); ++j) {
            Rows rows = all;
            std::swap(rows[i].bytes, rows[j].bytes);
            swapped.check(rows);
        }
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        Rows rows = all;
        rows[i].revision = 0;  // nobody asks for it
        std::rotate(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(i),
                    rows.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        numbers.check(rows);
        rows = all;
        rows[i].revision = ~std::uint64_t{0} - i;  // a row that SQLite keeps under a negative number
        std::ranges::sort(rows, {}, &StoredCommit::revision);
        numbers.check(rows);
        rows = all;
        rows[i].revision += 1'000'000;
        std::ranges::sort(rows, {}, &StoredCommit::revision);
        numbers.check(rows);
    }
}

TEST_CASE("a commit that is there twice is not believed the second time") {
    OrderCase doubled("commits doubled at each place"),
        replaced("commits replaced by an earlier or later one");
    const Rows all = history().rows()->commits;
    for (std::size_t i = 0; i < all.size(); ++i) {
        for (std::size_t place = 0; place <= all.size(); ++place) {
            Rows rows = all;
            rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(place), all[i]);
            number(rows);
            doubled.check(rows);
            if (place == all.size() || place == i) continue;
            rows = all;
            rows[place].bytes = all[i].bytes;
            replaced.check(rows);
        }
    }
}

TEST_CASE("commits that are left out are missed, with and without new numbers for the rest") {
    OrderCase holes("runs of commits left out", 2),
        closed("runs of commits left out and the rest renumbered", 2);
    const Rows all = history().rows()->commits;
    for (std::size_t from = 0; from < all.size(); ++from) {
        for (std::size_t to = from + 1; to <= all.size(); ++to) {
            Rows rows(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
            rows.insert(rows.end(), all.begin() + static_cast<std::ptrdiff_t>(to), all.end());
            holes.check(rows);
            number(rows);
            closed.check(rows);
        }
    }
}

TEST_CASE("a commit that is moved is not believed at its new place, nor what stood behind its old one") {
    OrderCase moved("commits moved to each place", 2), turned("runs of commits turned round", 2);
    const Rows all = history().rows()->commits;
    for (std::size_t from = 0; from < all.size(); ++from) {
        for (std::size_t to = 0; to < all.size(); ++to) {
            if (from == to) continue;
            Rows rows = all;
            rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(from));
            rows.insert(rows.begin() + static_cast<std::ptrdiff_t>(to), all[from]);
            number(rows);
            moved.check(rows);
            if (from > to) continue;
            rows = all;
            std::reverse(rows.begin() + static_cast<std::ptrdiff_t>(from),
                         rows.begin() + static_cast<std::ptrdiff_t>(to) + 1);
            number(rows);
            turned.check(rows);
        }
    }
}

TEST_CASE("a log that is shuffled is believed as far as it is true") {
    OrderCase shuffled("logs shuffled, doubled and thinned at random");
    std::mt19937_64 random(seed());
    INFO("COFFER_TEST_SEED=" << seed());
    const Rows all = history().rows()->commits;
    for (int i = 0; i < (is_long() ? 50'000 : 1'000); ++i) {
        Rows rows(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(random() % all.size()));
        const std::size_t more = random() % all.size();
        for (std::size_t j = 0; j < more; ++j) rows.push_back(all[random() % all.size()]);
        number(rows);
        if (random() % 4 == 0) {
            std::uint64_t gap = 0;
            for (StoredCommit& row : rows) row.revision += gap += random() % 8 == 0 ? 1 : 0;
        }
        shuffled.check(rows);
    }
}

TEST_CASE("commits of another store with the same names and people are not believed, at any place") {
    const TrueHistory other(0x50);
    OrderCase spliced("tails and commits of another store put into this one");
    const Rows all = history().rows()->commits, others = other.rows()->commits;
    for (std::size_t keep = 0; keep <= all.size(); ++keep) {
        for (std::size_t from = 0; from < others.size(); ++from) {
            Rows rows(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(keep));
            rows.insert(rows.end(), others.begin() + static_cast<std::ptrdiff_t>(from), others.end());
            number(rows);
            spliced.check(rows);
        }
        if (keep == all.size()) break;
        Rows rows = all;
        rows[keep].bytes = others[keep].bytes;
        spliced.check(rows);
    }
}

TEST_CASE("a second truth of the same store, signed by the same people, is refused by who knows the first") {
    // What an owner could sign who goes on from an old backup: right for a newcomer, a fork for all others.
    const TrueHistory fork;
    REQUIRE(fork.pin() == history().pin());
    OrderCase spliced("tails of a fork of the same store");
    Tally whole("a whole fork of the same store");
    const Rows all = history().rows()->commits, others = fork.rows()->commits;
    WarmReaders readers(history());
    for (std::size_t keep = 1; keep <= all.size(); ++keep) {
        auto& reader = readers.at(keep);
        auto forked = fork.rows();
        forked->commits.push_back(
            {fork.last() + 1,
             LogBuilder::sign(fork.body({removal("acme/checkout/*/PROXY", 4)}), fork.owner)});
        *reader.rows = *forked;
        must(reader.store.catch_up());
        const bool same = fork.commits[keep - 1] == history().commits[keep - 1];
        INFO("revision " << keep);
        // The first commits have no key of their own in them and are the same to the byte.
        if (!same) {
            REQUIRE(reader.store.alarm());
            REQUIRE(difference(reader.store, history(), keep, Depth::names) == "");
            whole.count("refused");
        }
        auto seeded = cold_reader(history(), forked, true);
        REQUIRE_FALSE(seeded);
        CHECK(seeded.error().code == Code::tampered);
        for (std::size_t from = 0; from < others.size(); ++from) {
            if (from == keep && history().commits[keep - 1] == fork.commits[keep - 1]) continue;
            Rows rows(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(keep));
            rows.insert(rows.end(), others.begin() + static_cast<std::ptrdiff_t>(from), others.end());
            number(rows);
            spliced.check(rows);
        }
    }
}
