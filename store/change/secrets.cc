// SPDX-License-Identifier: Apache-2.0
#include "change/secrets.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "change/masked_values.h"
#include "change/sealing_key.h"
#include "view/resolve.h"

namespace coffer {
namespace {

// A refusal that trying again cannot mend: not a lost swap.
Failure version_conflict(const SecretName& name, std::uint64_t wanted, std::uint64_t found) {
    return refuse(Code::conflict, "if-version", name.text(), " is at version ", found, ", --if-version says ",
                  wanted, "; look at `coffer history ", name.text(), "` and decide again");
}

Result<void> check_if_version(const SecretName& name, const std::optional<std::uint64_t>& wanted,
                              const std::optional<Secret>& secret) {
    std::uint64_t found = secret ? secret->last_version : 0;
    if (wanted && *wanted != found) return version_conflict(name, *wanted, found);
    return {};
}

Failure not_found(const SecretName& name) {
    return fail(Code::not_found, "there is no ", name.text(), "; `coffer ls` shows what there is");
}

std::vector<SecretName> names_of(const std::vector<Secret>& secrets) {
    std::vector<SecretName> out;
    out.reserve(secrets.size());
    for (const Secret& secret : secrets) out.push_back(secret.name);
    return out;
}

}  // namespace

Result<SetOutcome> set_secret(VerifiedStore& store, const Identity& signer, const SetRequest& request,
                              ByteView value) {
    if (value.size() > kMaxValue)
        return fail(Code::invalid, "a value has at most ", kMaxValue, " bytes (1 MiB); this one has more");
    SetOutcome outcome;
    auto intent = [&](VerifiedStore& current) -> Result<Draft> {
        COFFER_TRY(auto principal, signing_principal(current, signer));
        COFFER_CHECK(check_may_write(principal, request.name));
        COFFER_TRY(auto secret, current.view().find(request.name));
        COFFER_CHECK(check_if_version(request.name, request.if_version, secret));
        outcome.visibility = secret ? secret->visibility : request.visibility.value_or(Visibility::masked);
        if (request.visibility && *request.visibility != outcome.visibility)
            return fail(Code::invalid, request.name.text(), " is ", to_text(outcome.visibility),
                        " since its first version, and that is for ever; use another KEY for a ",
                        to_text(*request.visibility), " one");
        outcome.version = secret ? secret->last_version + 1 : 1;

        Draft draft;
        COFFER_TRY(auto key, sealing_key(current.view().roster(), principal, request.name.scope,
                                         outcome.visibility, draft.operations));
        outcome.made_scope_key = !draft.operations.empty();
        Hash context = payload_context(current.view().pin().store, request.name, outcome.visibility,
                                       outcome.version, key.id);
        COFFER_TRY(auto payload, seal_payload(key.public_half, context, value));
        Put put{key.id,
                request.name.key,
                outcome.version,
                outcome.version,
                request.not_after_ms,
                payload_hash(payload),
                static_cast<std::uint32_t>(payload.size() - kPayloadOverhead)};
        draft.operations.emplace_back(std::move(put));
        draft.payloads.push_back(std::move(payload));
        return draft;
    };
    COFFER_TRY(outcome.committed, commit_change(store, signer, intent));
    COFFER_TRY(auto wider, wider_live(store.view(), request.name));
    outcome.shadows = names_of(wider);
    return outcome;
}

Result<RemoveOutcome> remove_secret(VerifiedStore& store, const Identity& signer, const SecretName& name,
                                    std::optional<std::uint64_t> if_version) {
    RemoveOutcome outcome;
    auto intent = [&](VerifiedStore& current) -> Result<Draft> {
        COFFER_TRY(auto secret, current.view().find(name));
        COFFER_CHECK(check_if_version(name, if_version, secret));
        if (!secret || !secret->live) return not_found(name);
        outcome.version = secret->last_version + 1;
        return Draft{{Remove{name, outcome.version}}, {}};
    };
    COFFER_TRY(outcome.committed, commit_change(store, signer, intent));
    COFFER_TRY(auto wider, wider_live(store.view(), name));
    outcome.uncovers = names_of(wider);
    return outcome;
}

Result<RemoveAllOutcome> remove_secrets(VerifiedStore& store, const Identity& signer,
                                        const std::vector<SecretName>& names) {
    RemoveAllOutcome outcome;
    outcome.committed.head = store.view().head();
    for (std::span<const SecretName> left(names); !left.empty();) {
        const auto batch = left.first(std::min<std::size_t>(left.size(), kMaxOperations));
        left = left.subspan(batch.size());
        std::vector<SecretName> removed;
        auto intent = [&](VerifiedStore& current) -> Result<Draft> {
            Draft draft;
            removed.clear();
            for (const SecretName& name : batch) {
                COFFER_TRY(auto secret, current.view().find(name));
                if (!secret || !secret->live) continue;
                draft.operations.emplace_back(Remove{name, secret->last_version + 1});
                removed.push_back(name);
            }
            return draft;
        };
        auto committed = commit_change(store, signer, intent);
        if (!committed && !outcome.removed.empty())
            return wrap(std::move(committed).error(), outcome.removed.size(), " of ", names.size(),
                        " were removed, the rest was not");
        if (!committed) return tl::make_unexpected(std::move(committed).error());
        outcome.committed.head = committed->head;
        outcome.committed.changed |= committed->changed;
        std::ranges::move(removed, std::back_inserter(outcome.removed));
    }
    return outcome;
}

Result<RestoreOutcome> restore_secret(VerifiedStore& store, const Identity& signer, const SecretName& name,
                                      std::uint64_t version, std::optional<std::uint64_t> if_version) {
    RestoreOutcome outcome;
    auto intent = [&](VerifiedStore& current) -> Result<Draft> {
        COFFER_TRY(auto secret, current.view().find(name));
        if (!secret) return not_found(name);
        COFFER_CHECK(check_if_version(name, if_version, secret));
        COFFER_TRY(auto wanted, current.view().version(name, version));
        if (!wanted || wanted->change == Change::removal)
            return fail(Code::not_found, name.text(), " has no value of version ", version,
                        "; see `coffer history ", name.text(), '`');
        if (wanted->purged)
            return fail(Code::not_found, "version ", version, " of ", name.text(), " was purged for good");
        outcome.version = secret->last_version + 1;
        outcome.restored = version;
        // Without the old expiry: a secret that is brought back on purpose is not brought back expired.
        Put put{wanted->scope_key, name.key,          outcome.version, wanted->sealed_as, 0,
                wanted->payload,   wanted->padded_len};
        return Draft{{std::move(put)}, {}};
    };
    COFFER_TRY(outcome.committed, commit_change(store, signer, intent));
    return outcome;
}

Result<Committed> purge_version(VerifiedStore& store, const Identity& signer, const SecretName& name,
                                std::uint64_t version) {
    Hash payload;
    auto intent = [&](VerifiedStore& current) -> Result<Draft> {
        COFFER_TRY(auto wanted, current.view().version(name, version));
        if (!wanted || wanted->change == Change::removal)
            return fail(Code::not_found, name.text(), " has no value of version ", version,
                        "; see `coffer history ", name.text(), '`');
        payload = wanted->payload;
        // Purged in the log already, yet perhaps not in the file: a crash came between the two.
        if (wanted->purged) return Draft{};
        return Draft{{Purge{name, version}}, {}};
    };
    COFFER_TRY(auto committed, commit_change(store, signer, intent));
    COFFER_CHECK(store.backend().drop_payload(payload));
    return committed;
}

Result<SecretBuffer> reveal(VerifiedStore& store, const Identity& identity, const Secret& secret,
                            const Version& version) {
    return MaskedValues(store, identity).value(secret, version);
}

}  // namespace coffer
