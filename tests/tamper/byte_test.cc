// SPDX-License-Identifier: Apache-2.0
//
// Every byte of every commit and payload changed, cut and added to, by somebody without any key.
#include "inspection.h"
#include "keys/seal.h"
#include "tamper/tally.h"
#include "tamper/warm_readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const TrueHistory& history() {
    static const TrueHistory kHistory;
    return kHistory;
}

// The rule that a changed byte of the envelope breaks, by its place: docs/store-format.md, "Envelope".
std::string_view rule_for_byte(std::size_t place, std::uint64_t revision) {
    if (place < 4) return "commit.magic";
    if (place < 6) return "commit.format";
    if (place < 38 && revision > 1) return "commit.unknown-signer";  // nobody knows anybody before revision 1
    if (place < 102) return "commit.signature";
    if (place < 106) return {};  // the length: truncated, or bytes behind the body
    return "commit.signature";
}

// A reader that begins anew, and `coffer verify`, find the same end of what is true.
std::string seen_anew(const std::shared_ptr<StoredRows>& rows, std::uint64_t believed) {
    auto cold = cold_reader(history(), rows);
    if (!cold) return "a new reader fails: " + cold.error().message;
    if (!cold->alarm()) return "a new reader raises no alarm";
    if (auto what = difference(*cold, history(), believed, Depth::values); !what.empty()) return what;
    auto seeded = cold_reader(history(), rows, true);
    if (seeded || seeded.error().code != Code::tampered || seeded.error().rule != "store.rollback")
        return "a reader that has seen the end does not call it a rollback";
    MemoryLog log(rows);
    auto inspected = inspect(log, history().pin());
    if (!inspected || inspected->clean() || inspected->good != history().head_at(believed))
        return "verify does not find it";
    return {};
}

}  // namespace

TEST_CASE(
    "the history itself is believed, revision by revision, and everybody reads exactly what is theirs") {
    WarmReaders readers(history());
    Tally tally("revisions of the untouched history read by everybody");
    for (std::uint64_t revision = 0; revision <= history().last(); ++revision) {
        auto& reader = readers.at(revision);
        INFO("revision " << revision);
        CHECK(difference(reader.store, history(), revision, Depth::values) == "");
        CHECK(falsehood(reader.store, history()) == "");
        tally.count("as they are");
    }
    MemoryLog log(history().rows());
    CHECK(must(inspect(log, history().pin())).clean());
}

TEST_CASE("a commit with one bit changed is not believed, and nothing behind it") {
    WarmReaders readers(history());
    Tally bits("bits of commits flipped"), anew("of these, by a reader that begins anew and by verify");
    for (std::uint64_t revision = 1; revision <= history().last(); ++revision) {
        auto& reader = readers.at(revision - 1);
        Bytes& bytes = reader.rows->commits[revision - 1].bytes;
        for (std::size_t place = 0; place < bytes.size(); ++place) {
            for (unsigned bit = 0; bit < 8; ++bit) {
                // In the quick form each byte once, with another bit each time.
                if (!is_long() && bit != (place + revision) % 8) continue;
                if (!bits.takes()) continue;
                bytes[place] ^= static_cast<std::uint8_t>(1u << bit);
                auto wrong = after_a_look(reader, history(), revision - 1, rule_for_byte(place, revision),
                                          bits.each(64));
                if (wrong.empty() && bits.each(300)) {
                    wrong = seen_anew(reader.rows, revision - 1);
                    anew.count("refused");
                }
                bytes[place] ^= static_cast<std::uint8_t>(1u << bit);
                if (!wrong.empty())
                    FAIL("revision " << revision << ", byte " << place << ", bit " << bit << ": " << wrong);
                bits.count("refused");
            }
        }
        // It is not for ever: what is right again is believed.
        must(reader.store.catch_up());
        REQUIRE_FALSE(reader.store.alarm());
        REQUIRE(difference(reader.store, history(), history().last(), Depth::live) == "");
    }
}

TEST_CASE("a commit that is cut or added to at any length is not believed") {
    WarmReaders readers(history());
    Tally cut("commits cut at each length", 2), longer("commits with bytes added");
    for (std::uint64_t revision = 1; revision <= history().last(); ++revision) {
        auto& reader = readers.at(revision - 1);
        const Bytes whole = history().commits[revision - 1];
        Bytes& bytes = reader.rows->commits[revision - 1].bytes;
        for (std::size_t size = 0; size < whole.size(); ++size) {
            if (!cut.takes()) continue;
            bytes.assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
            INFO("revision " << revision << " cut to " << size);
            REQUIRE(after_a_look(reader, history(), revision - 1,
                                 size < 4 ? "commit.magic" : "commit.truncated", cut.each(64)) == "");
            cut.count("refused");
        }
        for (std::size_t more :
             {std::size_t{1}, std::size_t{2}, std::size_t{32}, std::size_t{4096}, kMaxCommit}) {
            if (!longer.takes()) continue;
            bytes = whole;
            bytes.resize(whole.size() + more);
            INFO("revision " << revision << " with " << more << " bytes more");
            REQUIRE(after_a_look(reader, history(), revision - 1,
                                 more == kMaxCommit ? "commit.too-large" : "commit.trailing-bytes",
                                 true) == "");
            longer.count("refused");
        }
    }
}

namespace {

// Every version that has this payload is refused to everybody, and all else is as it was.
std::string hurts_that_only(VerifiedStore& store, const Hash& payload, std::string_view rule) {
    for (const auto& [name, secret] : history().at(history().last()).secrets) {
        for (const TrueVersion& version : secret.versions) {
            if (version.payload != payload || version.change == Change::removal) continue;
            auto found = must(store.view().version(must(SecretName::parse(name)), version.version));
            auto got = store.payload(*found);
            if (got || got.error().code != Code::tampered || got.error().rule != rule)
                return concat(name, " version ", version.version, " is not refused by ", rule);
        }
    }
    return {};
}

struct PayloadCase {
    explicit PayloadCase(Tally& kind) : tally(kind), reader(readers.at(history().last())) {}

    // `change` damages one payload, which is put right again behind it.
    template <class Change>
    void damage(const Hash& hash, std::string_view rule, Change change) {
        if (!tally.takes()) return;
        auto& payloads = reader.rows->payloads;
        const Bytes whole = payloads.at(hash);
        change(payloads);
        INFO("payload " << hash.hex());
        REQUIRE(hurts_that_only(reader.store, hash, rule) == "");
        if (tally.each(200)) {
            const PayloadDamage damage{{hash}, false};
            REQUIRE(difference(reader.store, history(), history().last(), Depth::values, damage) == "");
            MemoryLog log(reader.rows);
            auto inspected = must(inspect(log, history().pin()));
            REQUIRE(inspected.problems.size() == 1);
        }
        payloads[hash] = whole;
        tally.count("refused");
    }

    Tally& tally;
    WarmReaders readers{history()};
    WarmReader& reader;
};

}  // namespace

TEST_CASE("a payload with one bit changed hurts that secret only") {
    Tally tally("bits of payloads flipped");
    PayloadCase damaged(tally);
    const auto all = history().rows()->payloads;
    for (const auto& entry : all) {
        const Hash& hash = entry.first;
        const Bytes& bytes = entry.second;
        for (std::size_t place = 0; place < bytes.size() * 8; ++place) {
            if (!is_long() && place % 8 != place / 8 % 8) continue;
            damaged.damage(hash, "payload.hash", [&](auto& payloads) {
                payloads[hash][place / 8] ^= static_cast<std::uint8_t>(1u << place % 8);
            });
        }
    }
    CHECK(difference(damaged.reader.store, history(), history().last(), Depth::values) == "");
}

TEST_CASE("a payload that is cut, added to, gone or another's hurts that secret only") {
    Tally tally("payloads cut at each length, added to, removed, and exchanged for each other", 2);
    PayloadCase damaged(tally);
    const auto all = history().rows()->payloads;
    for (const auto& entry : all) {
        const Hash& hash = entry.first;
        const Bytes& bytes = entry.second;
        for (std::size_t size = 0; size < bytes.size() + 64; ++size) {
            if (size == bytes.size()) continue;
            damaged.damage(hash, "payload.hash", [&](auto& payloads) { payloads[hash].resize(size); });
        }
        damaged.damage(hash, "payload.hash", [&](auto& payloads) { payloads[hash].resize(kMaxPayload + 1); });
        damaged.damage(hash, "payload.missing", [&](auto& payloads) { payloads.erase(hash); });
        // An older version's, another secret's, another visibility's, and what was purged.
        for (const auto& other : history().payloads) {
            if (other.first == hash) continue;
            damaged.damage(hash, "payload.hash", [&](auto& payloads) { payloads[hash] = other.second; });
        }
    }
}
