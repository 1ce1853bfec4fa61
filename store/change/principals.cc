// SPDX-License-Identifier: Apache-2.0
#include "change/principals.h"

#include <algorithm>
#include <set>

#include "base/wall_clock.h"
#include "keys/hash.h"

namespace coffer {
namespace {

// The scope keys that a principal should hold: the newest of each (scope, visibility), every older one that a
// live secret is sealed to, and for owners all of them, since they grant them on.
std::vector<const ScopeKey*> keys_due(const Roster& roster, const Principal& principal,
                                      const std::set<ScopeKeyId>& in_use) {
    std::vector<const ScopeKey*> out;
    for (const ScopeKey& key : roster.scope_keys()) {
        bool wanted = principal.role == Role::owner || in_use.contains(key.id) ||
                      roster.newest(key.scope, key.visibility)->id == key.id;
        if (wanted && is_entitled(principal, key.scope, key.visibility)) out.push_back(&key);
    }
    return out;
}

Result<std::set<ScopeKeyId>> keys_in_use(VerifiedStore& store) {
    COFFER_TRY(auto ids, store.view().scope_keys_in_use());
    return std::set<ScopeKeyId>(ids.begin(), ids.end());
}

Result<Grant> grant_of(VerifiedStore& store, const Identity& signer, const ScopeKey& key,
                       const Principal& to) {
    COFFER_TRY(auto private_half, store.scope_key(signer, key.id));
    COFFER_TRY(auto sealed, seal_scope_key(private_half.view(), to.recipient.sealing));
    return Grant{key.id, to.id, sealed};
}

// One commit's worth of the grants that living principals are due and do not have. Empty: all have theirs.
Result<Draft> missing_grants(VerifiedStore& store, const Identity& signer) {
    COFFER_TRY(auto self, signing_principal(store, signer));
    COFFER_TRY(auto in_use, keys_in_use(store));
    const Roster& roster = store.view().roster();
    Draft draft;
    for (const Principal& principal : roster.principals()) {
        if (!principal.living()) continue;
        COFFER_TRY(auto grants, store.view().grants_to(principal.id));
        std::set<ScopeKeyId> held;
        for (const GrantRecord& grant : grants) held.insert(grant.scope_key);
        for (const ScopeKey* key : keys_due(roster, principal, in_use)) {
            if (held.contains(key->id) || !may_make_scope_key(self, key->scope, key->visibility)) continue;
            auto grant = grant_of(store, signer, *key, principal);
            // An admin does not hold every older generation; an owner, who does, grants those.
            if (!grant && grant.error().code == Code::no_key) continue;
            if (!grant) return tl::make_unexpected(std::move(grant).error());
            draft.operations.emplace_back(*grant);
            if (draft.operations.size() >= kDraftOperations) return draft;
        }
    }
    return draft;
}

Result<Committed> commit_until_done(VerifiedStore& store, const Identity& signer, const Intent& intent) {
    while (true) {
        COFFER_TRY(auto committed, commit_change(store, signer, intent));
        if (!committed.changed) return committed;
    }
}

}  // namespace

Result<Committed> grant_missing(VerifiedStore& store, const Identity& signer) {
    return commit_until_done(store, signer,
                             [&](VerifiedStore& current) { return missing_grants(current, signer); });
}

Result<std::vector<Operation>> next_generation(const Roster& roster, const Scope& scope,
                                               Visibility visibility) {
    COFFER_TRY(auto pair, generate_scope_key());
    const ScopeKey* newest = roster.newest(scope, visibility);
    auto id = random_fixed<ScopeKeyId>();
    std::vector<Operation> operations;
    operations.emplace_back(
        ScopeKeyAdd{id, scope, visibility, newest ? newest->generation + 1 : 1, pair.public_half});
    // Owners first: should there be more than one commit holds, an owner can grant the rest.
    auto entitled = roster.entitled(scope, visibility);
    std::stable_partition(entitled.begin(), entitled.end(),
                          [](const Principal* p) { return p->role == Role::owner; });
    for (const Principal* principal : entitled) {
        if (operations.size() >= kDraftOperations) break;
        COFFER_TRY(auto sealed, seal_scope_key(pair.private_half.view(), principal->recipient.sealing));
        operations.emplace_back(Grant{id, principal->id, sealed});
    }
    return operations;
}

Result<Watermark> found_store(Backend& backend, const Identity& owner, std::string_view owner_name,
                              const std::optional<GenesisHost>& host) {
    CommitBody body;
    body.store = random_fixed<StoreId>();
    body.revision = 1;
    body.time_ms = wall_clock_ms();
    body.operations.emplace_back(PrincipalAdd{std::string(owner_name), Role::owner, {}, owner.recipient()});
    if (host)
        body.operations.emplace_back(PrincipalAdd{host->name, Role::host, host->pattern, host->recipient});
    COFFER_TRY(auto bytes, sign_commit(body, owner));

    Pin pin{body.store, owner.id()};
    COFFER_TRY(auto view, View::in_memory(pin));
    COFFER_TRY(auto update, view.begin());
    COFFER_CHECK(update.apply(bytes));
    COFFER_CHECK(backend.append(Head{}, bytes, {}));
    return Watermark{pin, Head{1, commit_hash(bytes)}};
}

Result<ScopeOutcome> add_scope(VerifiedStore& store, const Identity& signer, const Scope& scope) {
    ScopeOutcome outcome;
    auto intent = [&](VerifiedStore& current) -> Result<Draft> {
        COFFER_CHECK(signing_principal(current, signer));
        Draft draft;
        const Roster& roster = current.view().roster();
        for (Visibility visibility : {Visibility::masked, Visibility::restricted}) {
            const ScopeKey* newest = roster.newest(scope, visibility);
            if (newest && !newest->stale) continue;
            COFFER_TRY(auto operations, next_generation(roster, scope, visibility));
            if (draft.operations.size() + operations.size() > kMaxOperations)
                return draft;  // the next commit
            std::move(operations.begin(), operations.end(), std::back_inserter(draft.operations));
        }
        return draft;
    };
    std::size_t before = store.view().roster().scope_keys().size();
    COFFER_TRY(outcome.committed, commit_until_done(store, signer, intent));
    COFFER_CHECK(grant_missing(store, signer));
    const auto& keys = store.view().roster().scope_keys();
    for (std::size_t i = before; i < keys.size(); ++i) {
        if (keys[i].scope == scope) outcome.made.push_back(keys[i]);
    }
    outcome.committed = Committed{store.view().head(), !outcome.made.empty()};
    return outcome;
}

Result<Committed> add_principal(VerifiedStore& store, const Identity& signer, const PrincipalAdd& add) {
    auto intent = [&](VerifiedStore& current) -> Result<Draft> {
        COFFER_CHECK(signing_principal(current, signer));
        return Draft{{add}, {}};
    };
    COFFER_CHECK(commit_change(store, signer, intent));
    COFFER_TRY(auto committed, grant_missing(store, signer));
    committed.changed = true;
    return committed;
}

Result<RemovedPrincipal> remove_principal(VerifiedStore& store, const Identity& signer,
                                          std::string_view name) {
    RemovedPrincipal outcome;
    PrincipalId removed;
    auto intent = [&](VerifiedStore& current) -> Result<Draft> {
        COFFER_CHECK(signing_principal(current, signer));
        const Principal* principal = current.view().roster().find_living(name);
        if (!principal)
            return fail(Code::not_found, "no living principal is named ", name, "; see `coffer member ls`");
        removed = principal->id;
        return Draft{{PrincipalRemove{removed}}, {}};
    };
    COFFER_TRY(outcome.committed, commit_change(store, signer, intent));

    COFFER_TRY(auto grants, store.view().grants_to(removed));
    std::set<ScopeKeyId> known;
    for (const GrantRecord& grant : grants) known.insert(grant.scope_key);
    COFFER_CHECK(store.view().for_each(std::nullopt, [&](const Secret& secret) {
        if (secret.live && known.contains(secret.live->scope_key)) outcome.to_change.push_back(secret.name);
        return true;
    }));
    // Who removed itself cannot rotate; the remaining owners run `coffer rotate`.
    if (removed == signer.id()) return outcome;
    COFFER_TRY(auto rotated, rotate(store, signer, RotateRequest{}));
    outcome.rotated = rotated.rotated;
    outcome.committed = rotated.committed;
    return outcome;
}

}  // namespace coffer
