// SPDX-License-Identifier: Apache-2.0
#include "change/rotation.h"

#include <set>

#include "change/principals.h"

namespace coffer {
namespace {

using Line = std::pair<Scope, Visibility>;  // whose generations follow each other

bool is_newest(const Roster& roster, const ScopeKey& key) {
    return roster.newest(key.scope, key.visibility)->id == key.id;
}

// The next generations that are due, each line once in a run.
Result<Draft> due_generations(VerifiedStore& store, const Identity& signer, const RotateRequest& request,
                              const std::set<Line>& done) {
    COFFER_TRY(auto self, signing_principal(store, signer));
    const Roster& roster = store.view().roster();
    Draft draft;
    for (const ScopeKey& key : roster.scope_keys()) {
        if (request.scope && key.scope != *request.scope) continue;
        if (!is_newest(roster, key) || (request.stale_only && !key.stale)) continue;
        if (done.contains({key.scope, key.visibility})) continue;
        if (!may_make_scope_key(self, key.scope, key.visibility)) {
            if (!request.scope && request.stale_only) continue;  // left for somebody entitled
            return fail(Code::not_allowed, self.name, ", ", to_text(self.role), " of ", self.pattern.text(),
                        ", may not rotate the ", to_text(key.visibility), " key of ", key.scope.text(),
                        "; an owner has to run `coffer rotate ", key.scope.text(), '`');
        }
        COFFER_TRY(auto operations, next_generation(roster, key.scope, key.visibility));
        if (draft.operations.size() + operations.size() > kMaxOperations) break;
        std::move(operations.begin(), operations.end(), std::back_inserter(draft.operations));
    }
    return draft;
}

// One live value, sealed anew under the newest generation. It passes through locked memory only; a restricted
// one is shown to nobody.
Result<Put> reseal(VerifiedStore& store, const Identity& signer, const Secret& secret, Bytes& payload) {
    const Roster& roster = store.view().roster();
    const StoreId& id = store.view().pin().store;
    const Version& live = *secret.live;
    const ScopeKey& old_key = *roster.scope_key(live.scope_key);
    const ScopeKey& new_key = *roster.newest(secret.name.scope, secret.visibility);
    COFFER_TRY(auto sealed, store.payload(live));
    COFFER_TRY(auto private_half, store.scope_key(signer, old_key.id));
    Hash old_context = payload_context(id, secret.name, secret.visibility, live.sealed_as, old_key.id);
    COFFER_TRY(auto value, unseal_payload(sealed, private_half.view(), old_key.public_half, old_context));
    std::uint64_t version = secret.last_version + 1;
    Hash context = payload_context(id, secret.name, secret.visibility, version, new_key.id);
    COFFER_TRY(payload, seal_payload(new_key.public_half, context, value.view()));
    return Put{new_key.id,
               secret.name.key,
               version,
               version,
               live.not_after_ms,
               payload_hash(payload),
               static_cast<std::uint32_t>(payload.size() - kPayloadOverhead)};
}

// One commit's worth of the live values that are sealed to an older generation.
Result<Draft> due_values(VerifiedStore& store, const Identity& signer, const RotateRequest& request) {
    const Roster& roster = store.view().roster();
    std::vector<Secret> due;
    COFFER_CHECK(store.view().for_each(request.scope, [&](const Secret& secret) {
        if (secret.live && !is_newest(roster, *roster.scope_key(secret.live->scope_key)))
            due.push_back(secret);
        return due.size() < kDraftOperations;
    }));
    Draft draft;
    std::size_t bytes = 0;
    for (const Secret& secret : due) {
        Bytes payload;
        COFFER_TRY(auto put, reseal(store, signer, secret, payload));
        draft.operations.emplace_back(std::move(put));
        bytes += payload.size();
        draft.payloads.push_back(std::move(payload));
        if (bytes >= kDraftPayloads) break;
    }
    return draft;
}

Result<void> rotate_keys(VerifiedStore& store, const Identity& signer, const RotateRequest& request,
                         RotateOutcome& outcome) {
    std::set<Line> done;
    while (true) {
        std::set<Line> drafted;  // of the last try, which is the one that was appended
        COFFER_TRY(outcome.committed,
                   commit_change(store, signer, [&](VerifiedStore& current) -> Result<Draft> {
                       COFFER_TRY(auto draft, due_generations(current, signer, request, done));
                       drafted.clear();
                       for (const Operation& operation : draft.operations) {
                           if (const auto* key = std::get_if<ScopeKeyAdd>(&operation))
                               drafted.insert({key->scope, key->visibility});
                       }
                       return draft;
                   }));
        if (!outcome.committed.changed) return {};
        outcome.rotated += static_cast<std::uint32_t>(drafted.size());
        done.merge(drafted);
    }
}

Result<void> reseal_values(VerifiedStore& store, const Identity& signer, const RotateRequest& request,
                           RotateOutcome& outcome) {
    while (true) {
        std::size_t drafted = 0;
        COFFER_TRY(outcome.committed,
                   commit_change(store, signer, [&](VerifiedStore& current) -> Result<Draft> {
                       COFFER_TRY(auto draft, due_values(current, signer, request));
                       drafted = draft.operations.size();
                       return draft;
                   }));
        if (!outcome.committed.changed) return {};
        outcome.resealed += static_cast<std::uint32_t>(drafted);
    }
}

}  // namespace

Result<RotateOutcome> rotate(VerifiedStore& store, const Identity& signer, const RotateRequest& request) {
    RotateOutcome outcome;
    COFFER_CHECK(rotate_keys(store, signer, request, outcome));
    COFFER_TRY(outcome.committed, grant_missing(store, signer));
    if (request.reseal) COFFER_CHECK(reseal_values(store, signer, request, outcome));
    return outcome;
}

}  // namespace coffer
