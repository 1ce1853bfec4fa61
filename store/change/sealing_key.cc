// SPDX-License-Identifier: Apache-2.0
#include "change/sealing_key.h"

#include <iterator>

#include "change/principals.h"

namespace coffer {

Result<void> check_may_write(const Principal& principal, const SecretName& name) {
    if (may_write(principal, name.scope)) return {};
    return fail(Code::not_allowed, principal.name, " is ", to_text(principal.role), " of ",
                principal.pattern.text(), "; writing ", name.text(), " takes an owner or an admin of it");
}

Result<SealingKey> sealing_key(const Roster& roster, const Principal& signer, const Scope& scope,
                               Visibility visibility, std::vector<Operation>& operations) {
    const ScopeKey* newest = roster.newest(scope, visibility);
    if (newest && !newest->stale) return SealingKey{newest->id, newest->public_half};
    if (!may_make_scope_key(signer, scope, visibility))
        return fail(Code::not_allowed, newest ? "the " : "there is no ", to_text(visibility), " key of ",
                    scope.text(), newest ? " is stale" : "", ", and ", signer.name, ", ",
                    to_text(signer.role), " of ", signer.pattern.text(),
                    ", may not make one; an owner has to run `coffer ", newest ? "rotate " : "scope add ",
                    scope.text(), '`');
    COFFER_TRY(auto making, next_generation(roster, scope, visibility));
    const auto& made = std::get<ScopeKeyAdd>(making[0]);
    const SealingKey key{made.id, made.public_half};
    std::move(making.begin(), making.end(), std::back_inserter(operations));
    return key;
}

}  // namespace coffer
