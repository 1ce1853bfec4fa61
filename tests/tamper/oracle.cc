// SPDX-License-Identifier: Apache-2.0
#include "tamper/oracle.h"

#include "change/secrets.h"
#include "support/test_store.h"

namespace coffer::test {
namespace {

std::string different_version(const Version& found, const TrueVersion& truth) {
    const bool same = found.version == truth.version && found.change == truth.change &&
                      found.revision == truth.revision && found.signer == truth.signer;
    if (!same) return "its number, change, revision or signer";
    if (truth.change == Change::removal) return {};
    if (found.sealed_as != truth.sealed_as || found.scope_key != truth.scope_key)
        return "what it is sealed as";
    if (found.payload != truth.payload) return "its payload";
    if (found.not_after_ms != truth.not_after_ms) return "its expiry";
    if (found.purged != truth.purged) return "whether it was purged";
    return {};
}

class Comparison {
  public:
    Comparison(VerifiedStore& store, const TrueHistory& history, const Truth& truth,
               const PayloadDamage& payloads)
        : store_(store), history_(history), truth_(truth), payloads_(payloads) {}

    std::string secret(const Secret& found, Depth depth) {
        auto known = truth_.secrets.find(found.name.text());
        if (known == truth_.secrets.end()) return "there is no such secret";
        const TrueSecret& truth = known->second;
        if (found.visibility != truth.visibility) return "its visibility";
        if (found.last_version != truth.versions.size()) return "its last version";
        if ((found.live ? found.live->version : 0) != truth.live) return "its live version";
        auto versions = must(store_.view().history(found.name));
        if (versions.size() != truth.versions.size()) return "the number of its versions";
        for (std::size_t i = 0; i < versions.size(); ++i) {
            std::string what = different_version(versions[i], truth.versions[i]);
            if (what.empty() && depth != Depth::names)
                what = values(found, versions[i], truth.versions[i], depth);
            if (!what.empty()) return concat("version ", i + 1, ", ", what);
        }
        return {};
    }

  private:
    // What each reader unseals of it.
    std::string values(const Secret& secret, const Version& version, const TrueVersion& truth, Depth depth) {
        if (depth == Depth::live && (!secret.live || secret.live->version != version.version)) return {};
        for (const Person& person : history_.people()) {
            const bool looks = depth == Depth::values || person.identity == &history_.host ||
                               person.identity == &history_.editor;
            if (!looks) continue;
            auto got = unseal_version(store_, *person.identity, secret, version);
            if (std::string what = value(got, truth, *person.identity); !what.empty())
                return concat(what, " to ", person.name);
        }
        if (depth == Depth::values && secret.visibility == Visibility::restricted) {
            auto shown = reveal(store_, history_.owner, secret, version);
            if (shown || shown.error().code != Code::not_allowed) return "a restricted value is revealed";
        }
        return {};
    }

    std::string value(const Result<std::string>& got, const TrueVersion& truth, const Identity& reader) {
        if (truth.change == Change::removal)
            return !got && got.error().code == Code::not_found ? "" : "a removal has a value";
        if (truth.purged) return !got && got.error().code == Code::revoked ? "" : "what was purged is there";
        // A purge further on has destroyed it already.
        if (payloads_.damaged.contains(truth.payload) || history_.is_purged(truth.payload))
            return !got && got.error().code == Code::tampered ? "" : "a damaged payload is not refused";
        if (!got && payloads_.others_may_be && got.error().code == Code::tampered) return {};
        if (truth_.granted.contains({truth.scope_key, reader.id()})) {
            if (got) return *got == truth.value ? "" : "ANOTHER VALUE IS SHOWN";
            return concat("its value is refused (", got.error().message, ')');
        }
        if (got) return "A VALUE IS SHOWN WITHOUT A GRANT";
        return got.error().code == Code::no_key ? "" : concat("a wrong reason (", got.error().message, ')');
    }

    VerifiedStore& store_;
    const TrueHistory& history_;
    const Truth& truth_;
    const PayloadDamage& payloads_;
};

}  // namespace

std::string difference(VerifiedStore& store, const TrueHistory& history, std::uint64_t revision, Depth depth,
                       const PayloadDamage& payloads) {
    const Truth& truth = history.at(revision);
    if (store.view().head() != history.head_at(revision))
        return concat("the head is revision ", store.view().head().revision, ", not ", revision);
    Comparison comparison(store, history, truth, payloads);
    std::vector<Secret> found;
    must(store.view().for_each(std::nullopt, [&](const Secret& secret) {
        found.push_back(secret);
        return true;
    }));
    if (found.size() != truth.secrets.size()) return "the number of secrets";
    for (const Secret& secret : found) {
        if (std::string what = comparison.secret(secret, depth); !what.empty())
            return concat(secret.name.text(), ": ", what);
    }
    std::size_t living = 0;
    for (const Person& person : history.people()) {
        const Principal* principal = store.view().roster().find(person.identity->id());
        const bool lives = principal && principal->living();
        if (lives != truth.living.contains(person.identity->id()))
            return concat("whether ", person.name, " is living");
        living += lives ? 1 : 0;
    }
    return living == truth.living.size() ? "" : "somebody else is living";
}

std::string falsehood(VerifiedStore& store, const TrueHistory& history) {
    const Truth& end = history.at(history.last());
    std::vector<Secret> found;
    must(store.view().for_each(std::nullopt, [&](const Secret& secret) {
        found.push_back(secret);
        return true;
    }));
    for (const Secret& secret : found) {
        if (!secret.live) continue;
        for (const Identity* reader : {&history.host, &history.editor}) {
            auto got = unseal_version(store, *reader, secret, *secret.live);
            if (!got) continue;
            auto truth = end.secrets.find(secret.name.text());
            const bool known = truth != end.secrets.end() && secret.visibility == truth->second.visibility &&
                               secret.live->sealed_as <= truth->second.versions.size();
            if (!known || truth->second.versions[secret.live->sealed_as - 1].value != *got)
                return concat(secret.name.text(), " shows a value that was not sealed for it");
        }
    }
    return {};
}

}  // namespace coffer::test
