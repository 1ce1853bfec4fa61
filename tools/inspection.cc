// SPDX-License-Identifier: Apache-2.0
#include "inspection.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "keys/seal.h"
#include "view/verified_store.h"

namespace coffer {
namespace {

constexpr std::size_t kBatch = 1000;

// What the verified log says of one payload.
struct Mention {
    std::string where;  // "acme/*/*/KEY version 3", the first that names it
    std::uint32_t padded_len = 0;
    bool purged = false;
};
using Mentions = std::unordered_map<Hash, Mention, FixedBytesHash>;

// What the file says, where it is no more than damaged, is a finding and no failure.
bool is_damage(const Error& error) {
    return error.code == Code::tampered;
}

Result<void> replay(Backend& backend, View& view, Inspection& out) {
    while (!out.broken) {
        auto commits = backend.read(view.head().revision + 1, kBatch);
        if (!commits && is_damage(commits.error())) {
            out.broken = unreadable_log(commits.error());
            break;
        }
        if (!commits) return tl::make_unexpected(std::move(commits).error());
        if (commits->empty()) break;
        COFFER_TRY(out.broken, view.fold(*commits, {}));
    }
    out.good = view.head();
    return {};
}

Result<Mentions> collect(View& view, Inspection& out) {
    std::vector<Secret> secrets;
    COFFER_CHECK(view.for_each(std::nullopt, [&](const Secret& secret) {
        secrets.push_back(secret);
        return true;
    }));
    out.secrets = secrets.size();
    Mentions mentions;
    for (const Secret& secret : secrets) {
        COFFER_TRY(auto versions, view.history(secret.name));
        out.versions += versions.size();
        for (const Version& version : versions) {
            if (version.change == Change::removal) continue;
            mentions.emplace(version.payload,
                             Mention{concat(secret.name.text(), " version ", version.version),
                                     version.padded_len, version.purged});
        }
    }
    return mentions;
}

Result<void> check_payload(Backend& backend, const Hash& hash, const Mention& mention, Inspection& out) {
    auto payload = backend.payload(hash);
    if (!payload) {
        if (payload.error().code == Code::unavailable) return tl::make_unexpected(payload.error());
        out.problems.push_back(concat("the payload of ", mention.where,
                                      payload.error().code == Code::not_found
                                          ? " is missing and was never purged"
                                          : " cannot be read: " + payload.error().message));
        return {};
    }
    ++out.payloads;
    if (payload_hash(*payload) != hash || payload->size() != mention.padded_len + kPayloadOverhead)
        out.problems.push_back(concat("the payload of ", mention.where, " was changed"));
    return {};
}

}  // namespace

Result<Inspection> inspect(Backend& backend, const Pin& pin) {
    Inspection out;
    // Payloads before commits: each is stored with its commit, so whatever is listed here and in no commit
    // read later is an orphan, however many writers there are.
    auto stored = backend.payload_hashes();
    if (!stored && !is_damage(stored.error())) return tl::make_unexpected(std::move(stored).error());
    if (!stored) out.problems.push_back(concat("the payloads cannot be listed: ", stored.error().message));
    COFFER_TRY(auto view, View::in_memory(pin));
    COFFER_CHECK(replay(backend, view, out));
    auto head = backend.head();
    if (!head && !is_damage(head.error())) return tl::make_unexpected(std::move(head).error());
    if (!head && !out.broken) out.broken = unreadable_log(head.error());
    out.end = std::max(head ? head->revision : 0, out.good.revision);
    if (out.good.revision == 0 && !out.broken)
        out.broken = Error{Code::tampered, "the store is empty: it has not even its first commit",
                           "store.missing-commit"};
    COFFER_TRY(auto mentions, collect(view, out));
    for (const auto& [hash, mention] : mentions) {
        if (!mention.purged) COFFER_CHECK(check_payload(backend, hash, mention, out));
    }
    for (const Hash& hash : stored.value_or(std::vector<Hash>())) {
        auto mention = mentions.find(hash);
        if (mention == mentions.end()) {
            out.orphans.push_back(hash);
        } else if (mention->second.purged) {
            out.leftovers.push_back(hash);
            out.problems.push_back(
                concat("the payload of ", mention->second.where,
                       " was purged and is stored still; `coffer verify --repair` ends it"));
        }
    }
    std::sort(out.problems.begin(), out.problems.end());
    return out;
}

}  // namespace coffer
