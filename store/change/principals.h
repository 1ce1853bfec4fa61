// SPDX-License-Identifier: Apache-2.0
//
// Changes to who may do what: principals, scope keys and grants. All but masked keys need an owner.
#pragma once

#include "change/commit_change.h"
#include "change/rotation.h"

namespace coffer {

// The first commit of a new store: its owner, then its first host when one is given. The log must be empty.
struct GenesisHost {
    std::string name;
    Recipient recipient;
    Pattern pattern;
};
[[nodiscard]] Result<Watermark> found_store(Backend& backend, const Identity& owner,
                                            std::string_view owner_name,
                                            const std::optional<GenesisHost>& host);

// Both keys of a scope, granted to everybody entitled; those that are there and not stale are left alone.
struct ScopeOutcome {
    Committed committed;
    std::vector<ScopeKey> made;
};
[[nodiscard]] Result<ScopeOutcome> add_scope(VerifiedStore& store, const Identity& signer,
                                             const Scope& scope);

// Adds a principal and grants it what it is entitled to, in as many commits as that takes: the newest
// generation of every scope key, and every older one that a live put names.
[[nodiscard]] Result<Committed> add_principal(VerifiedStore& store, const Identity& signer,
                                              const PrincipalAdd& add);

struct RemovedPrincipal {
    Committed committed;
    std::uint32_t rotated = 0;          // scope keys that got a new generation
    std::vector<SecretName> to_change;  // live secrets that it could unseal: change them at their source
};
[[nodiscard]] Result<RemovedPrincipal> remove_principal(VerifiedStore& store, const Identity& signer,
                                                        std::string_view name);

// Appends the grants that living principals are due and do not have, as far as the signer can.
[[nodiscard]] Result<Committed> grant_missing(VerifiedStore& store, const Identity& signer);

// For the other changes: the operations that make the next generation of a scope key and grant it to
// everybody entitled. The private half is wiped on return.
[[nodiscard]] Result<std::vector<Operation>> next_generation(const Roster& roster, const Scope& scope,
                                                             Visibility visibility);

}  // namespace coffer
