// SPDX-License-Identifier: Apache-2.0
//
// Commits under signatures that hold, by people who may not sign them, or by those who may and whose program
// is not ours.
#include "keys/hash.h"
#include "tamper/tally.h"
#include "tamper/warm_readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::size_t kEnvelope = 106;  // in front of the body

const TrueHistory& history() {
    static const TrueHistory kHistory;
    return kHistory;
}

CommitBody body_of(std::uint64_t revision) {
    return must(decode_body(ByteView(history().commits[revision - 1]).subspan(kEnvelope)));
}

// Shows `commit` as revision + 1 to a reader that believes `revision`; the alarm, or nothing when the commit
// is believed.
std::optional<Error> shown(WarmReader& reader, std::uint64_t revision, const Bytes& commit) {
    reader.rows->commits.resize(revision);
    reader.rows->commits.push_back({revision + 1, commit});
    must(reader.store.catch_up());
    if (!reader.store.alarm()) return std::nullopt;
    return reader.store.alarm()->error;
}

}  // namespace

TEST_CASE(
    "every commit of the history signed anew by each person is believed exactly where that person may") {
    WarmReaders readers(history());
    Tally tally("commits signed anew by each person, living, removed, outside and unknown");
    for (std::uint64_t revision = 2; revision <= history().last(); ++revision) {
        const CommitBody body = body_of(revision);
        for (const Person& person : history().people()) {
            if (!tally.takes()) continue;
            INFO("revision " << revision << " signed by " << person.name);
            auto& reader = readers.at(revision - 1);
            auto refused = shown(reader, revision - 1, LogBuilder::sign(body, *person.identity));
            const bool may = history().may_sign(*person.identity, body.operations, revision - 1);
            REQUIRE(refused.has_value() != may);
            if (may) {
                CHECK(falsehood(reader.store, history()) == "");
                readers.forget(revision - 1);
                tally.count("believed as they must be");
            } else {
                CHECK_FALSE(refused->rule.empty());
                CHECK((refused->code == Code::not_allowed || refused->rule == "commit.unknown-signer"));
                REQUIRE(difference(reader.store, history(), revision - 1, Depth::names) == "");
                tally.count("refused");
            }
        }
    }
}

TEST_CASE("a commit under somebody else's name does not hold") {
    WarmReaders readers(history());
    Tally tally("commits that name another signer than signed them");
    for (std::uint64_t revision = 1; revision <= history().last(); ++revision) {
        for (const Person& person : history().people()) {
            if (person.identity == &history().signer_of(revision) || !tally.takes()) continue;
            for (bool signs : {false, true}) {
                // The signature is the true one, or the other person's with the true signer's name on it.
                Bytes commit = signs ? LogBuilder::sign(body_of(revision), *person.identity)
                                     : history().commits[revision - 1];
                const Identity& named = signs ? history().signer_of(revision) : *person.identity;
                std::ranges::copy(named.recipient().signing.bytes, commit.begin() + 6);
                auto& reader = readers.at(revision - 1);
                auto refused = shown(reader, revision - 1, commit);
                INFO("revision " << revision << " in the name of " << person.name);
                REQUIRE(refused);
                CHECK((refused->rule == "commit.signature" || refused->rule == "commit.unknown-signer" ||
                       refused->rule == "commit.removed-signer"));
                REQUIRE(difference(reader.store, history(), revision - 1, Depth::names) == "");
                tally.count("refused");
            }
        }
    }
}

TEST_CASE("a bit changed by who may sign shows nobody a value that was sealed for something else") {
    WarmReaders readers(history());
    Tally tally("bits of bodies flipped and signed by the true signer", 8, 2);
    for (std::uint64_t revision = 1; revision <= history().last(); ++revision) {
        const Bytes& whole = history().commits[revision - 1];
        Bytes body(whole.begin() + kEnvelope, whole.end());
        for (std::size_t bit = 0; bit < body.size() * 8; ++bit) {
            if ((!is_long() && bit % 8 != bit / 8 % 8) || !tally.takes()) continue;
            body[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
            auto& reader = readers.at(revision - 1);
            auto refused =
                shown(reader, revision - 1, LogBuilder::sign_bytes(body, history().signer_of(revision)));
            body[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
            INFO("revision " << revision << ", bit " << bit << " of the body");
            if (refused) {
                REQUIRE_FALSE(refused->rule.empty());
                if (tally.each(16))
                    REQUIRE(difference(reader.store, history(), revision - 1, Depth::names) == "");
            } else {
                REQUIRE(falsehood(reader.store, history()) == "");
                readers.forget(revision - 1);
            }
            tally.count(refused ? "refused" : "within the signer's rights and showing nothing false");
        }
    }
}

TEST_CASE("a body that is cut or added to under a signature that holds is refused") {
    WarmReaders readers(history());
    Tally tally("bodies cut at each length and added to, signed by the true signer", 2);
    for (std::uint64_t revision = 1; revision <= history().last(); ++revision) {
        const Bytes& whole = history().commits[revision - 1];
        const ByteView body = ByteView(whole).subspan(kEnvelope);
        Bytes longer(body.begin(), body.end());
        longer.push_back(0);
        for (std::size_t size = 0; size <= body.size() + 1; ++size) {
            if (size == body.size() || !tally.takes()) continue;
            auto& reader = readers.at(revision - 1);
            auto refused =
                shown(reader, revision - 1,
                      LogBuilder::sign_bytes(ByteView(longer).first(size), history().signer_of(revision)));
            INFO("revision " << revision << ", a body of " << size);
            REQUIRE(refused);
            CHECK(refused->rule == (size < body.size() ? "commit.truncated" : "commit.trailing-bytes"));
            tally.count("refused");
        }
    }
}

namespace {

// Operations that somebody makes up from what the log holds: names, versions, keys and people that are there.
class Inventor {
  public:
    Inventor(std::uint64_t revision, std::mt19937_64& random)
        : truth_(history().at(revision)), random_(random) {}

    Operation operation() {
        switch (random_() % 8) {
            case 0:
                return PrincipalAdd{
                    concat("n", random_() % 4), static_cast<Role>(1 + random_() % 4), pattern(),
                    random_() % 2
                        ? person().recipient()
                        : numbered_identity(static_cast<std::uint8_t>(40 + random_() % 200)).recipient()};
            case 1:
                return PrincipalRemove{person().id()};
            case 2:
                return ScopeKeyAdd{
                    random_() % 4 ? random_fixed<ScopeKeyId>() : key(), scope(), visibility(),
                    static_cast<std::uint32_t>(1 + random_() % 3),
                    numbered_identity(static_cast<std::uint8_t>(40 + random_() % 200)).recipient().sealing};
            case 3:
                return Grant{key(), person().id(), {}};
            case 4:
            case 5: {
                const TrueVersion some = version();
                const std::uint64_t next = 1 + random_() % 7, sealed = random_() % 2 ? next : random_() % 7;
                const Hash payload = random_() % 2 ? some.payload : random_fixed<Hash>();
                return Put{random_() % 2 ? key() : some.scope_key, name().key, next, sealed, 0, payload, 64};
            }
            case 6:
                return Remove{name(), 1 + random_() % 7};
            default:
                return Purge{name(), 1 + random_() % 7};
        }
    }

  private:
    template <class Container>
    auto pick(const Container& from) {
        return std::next(from.begin(), static_cast<std::ptrdiff_t>(random_() % from.size()));
    }
    const Identity& person() { return *pick(history().people())->identity; }
    ScopeKeyId key() { return truth_.keys.empty() ? random_fixed<ScopeKeyId>() : pick(truth_.keys)->first; }
    SecretName name() {
        return truth_.secrets.empty() ? must(SecretName::parse("acme/*/*/KEY"))
                                      : must(SecretName::parse(pick(truth_.secrets)->first));
    }
    TrueVersion version() {
        return truth_.secrets.empty() ? TrueVersion{} : *pick(pick(truth_.secrets)->second.versions);
    }
    Scope scope() {
        return truth_.keys.empty() ? must(Scope::parse("acme/*/*")) : pick(truth_.keys)->second.scope;
    }
    Visibility visibility() { return random_() % 2 ? Visibility::masked : Visibility::restricted; }
    Pattern pattern() {
        constexpr const char* kPatterns[] = {"*/*/*", "acme/*/*", "acme/checkout/*", "other/*/*"};
        return must(Pattern::parse(kPatterns[random_() % 4]));
    }

    const Truth& truth_;
    std::mt19937_64& random_;
};

// What no commit may do, whoever signs it.
std::string broken_promise(View& view, const TrueHistory& history, std::uint64_t revision,
                           const CommitBody& body) {
    const Truth& before = history.at(revision);
    for (const auto& [name, truth] : before.secrets) {
        auto found = must(view.find(must(SecretName::parse(name))));
        if (!found || found->visibility != truth.visibility) return name + " has changed its visibility";
        auto versions = must(view.history(found->name));
        if (versions.size() < truth.versions.size()) return name + " has lost versions";
        for (std::size_t i = 0; i < versions.size(); ++i) {
            if (versions[i].version != i + 1) return name + " has used a version again";
            if (i >= truth.versions.size()) continue;
            const TrueVersion& was = truth.versions[i];
            if (versions[i].signer != was.signer || versions[i].payload != was.payload ||
                versions[i].revision != was.revision || (was.purged && !versions[i].purged))
                return name + " has another past";
        }
        if (found->live && found->live->purged) return name + " shows what was purged";
    }
    for (const Operation& operation : body.operations) {
        const auto* grant = std::get_if<Grant>(&operation);
        if (!grant) continue;
        const Principal* to = view.roster().find(grant->principal);
        const ScopeKey* key = view.roster().scope_key(grant->scope_key);
        if (key->visibility == Visibility::restricted && to->role != Role::owner && to->role != Role::host)
            return "a member was granted a restricted key";
    }
    return view.roster().living_owners() > 0 ? "" : "there is no owner";
}

}  // namespace

TEST_CASE("no commit that anybody makes up changes the past, uses a version again or takes rights") {
    Tally tally("commits made up at random and signed by each person");
    std::mt19937_64 random(seed());
    INFO("COFFER_TEST_SEED=" << seed());
    WarmReaders readers(history());
    for (std::uint64_t round = 0; round < (is_long() ? 400'000u : 12'000u); ++round) {
        const std::uint64_t revision = 1 + random() % history().last();
        Inventor inventor(revision, random);
        CommitBody body{history().store, revision + 1, history().head_at(revision).hash, 0, {}};
        const std::size_t count = 1 + random() % 3;
        for (std::size_t i = 0; i < count; ++i) body.operations.push_back(inventor.operation());
        const auto& people = history().people();
        const Identity& signer = *people[random() % 2 ? 0 : random() % people.size()].identity;
        if (!tally.takes()) continue;
        View& view = readers.at(revision).store.view();
        INFO("after revision " << revision << ", round " << round);
        auto update = must(view.begin());
        auto applied = update.apply(LogBuilder::sign(body, signer));
        if (applied) {
            // Who may not is refused whatever else is right; the table is a second implementation of it.
            REQUIRE(history().may_sign(signer, body.operations, revision));
            REQUIRE(broken_promise(view, history(), revision, body) == "");
        } else {
            REQUIRE_FALSE(applied.error().rule.empty());
        }
        tally.count(applied ? "within the signer's rights" : "refused");
    }
    for (std::uint64_t revision = 1; revision <= history().last(); ++revision)
        CHECK(difference(readers.at(revision).store, history(), revision, Depth::live) == "");
}
