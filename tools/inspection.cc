// SPDX-License-Identifier: Apache-2.0
#include "inspection.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "keys/seal.h"

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

Result<void> replay(Backend& backend, View& view, Inspection& out) {
    auto check = [&](const StoredCommit& commit) -> Result<void> {
        if (commit.revision == view.head().revision + 1) return {};
        return refuse(Code::tampered, "store.missing-commit", "the commit is missing");
    };
    while (!out.broken) {
        COFFER_TRY(auto commits, backend.read(view.head().revision + 1, kBatch));
        if (commits.empty()) break;
        COFFER_TRY(out.broken, view.fold(commits, check));
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
    COFFER_TRY(auto stored, backend.payload_hashes());
    COFFER_TRY(auto view, View::in_memory(pin));
    COFFER_CHECK(replay(backend, view, out));
    COFFER_TRY(auto head, backend.head());
    out.end = std::max(head.revision, out.good.revision);
    if (out.good.revision == 0 && !out.broken)
        out.broken = Error{Code::tampered, "the store is empty: it has not even its first commit",
                           "store.missing-commit"};
    COFFER_TRY(auto mentions, collect(view, out));
    for (const auto& [hash, mention] : mentions) {
        if (!mention.purged) COFFER_CHECK(check_payload(backend, hash, mention, out));
    }
    for (const Hash& hash : stored) {
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
