// SPDX-License-Identifier: Apache-2.0
//
// Roster: who the principals are, which scope keys exist, and who is entitled to what: the part of the
// verified view that is small enough to hold whole. A value: copied before a commit that changes it is
// tried, so that a refused commit leaves no trace. Reading is thread-safe; pointers hold
// until the next change.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "log/operation.h"

namespace coffer {

struct Principal {
    PrincipalId id;
    std::string name;
    Role role = Role::host;
    Pattern pattern;
    Recipient recipient;
    std::uint64_t added = 0;    // revision
    std::uint64_t removed = 0;  // revision, 0 = living
    [[nodiscard]] bool living() const { return removed == 0; }
};

struct ScopeKey {
    ScopeKeyId id;
    Scope scope;
    Visibility visibility = Visibility::masked;
    std::uint32_t generation = 0;
    SealingPublic public_half;
    PrincipalId creator;
    std::uint64_t revision = 0;
    bool stale = false;  // its creator or somebody granted it has been removed
};

// May this principal sign changes to masked keys, grants and secrets of this scope?
[[nodiscard]] bool may_write(const Principal& signer, const Scope& scope);
// May this principal make scope keys of this scope and visibility, and grant them?
[[nodiscard]] bool may_make_scope_key(const Principal& signer, const Scope& scope, Visibility visibility);
// May this principal be granted them?
[[nodiscard]] bool is_entitled(const Principal& principal, const Scope& scope, Visibility visibility);

class Roster {
  public:
    [[nodiscard]] const Principal* find(const PrincipalId& id) const;            // living or not
    [[nodiscard]] const Principal* find_signer(const SigningPublic& key) const;  // living or not
    [[nodiscard]] const Principal* find_living(std::string_view name) const;
    // The living host of this identity; Code::not_allowed says what it is instead, and what to do.
    [[nodiscard]] Result<const Principal*> find_host(const PrincipalId& id) const;
    [[nodiscard]] const std::vector<Principal>& principals() const {
        return principals_;
    }  // in order of the log
    [[nodiscard]] std::size_t living_owners() const;
    [[nodiscard]] bool was_used(const SigningPublic& key) const { return by_signing_.contains(key); }
    [[nodiscard]] bool was_used(const SealingPublic& key) const { return sealing_.contains(key); }

    [[nodiscard]] const ScopeKey* scope_key(const ScopeKeyId& id) const;
    [[nodiscard]] const ScopeKey* newest(const Scope& scope, Visibility visibility) const;  // stale or not
    [[nodiscard]] const std::vector<ScopeKey>& scope_keys() const {
        return scope_keys_;
    }  // in order of the log
    // A scope exists once a scope key names it. Its number is its place in scopes(), in order of the log.
    [[nodiscard]] const std::vector<Scope>& scopes() const { return scopes_; }
    [[nodiscard]] std::optional<std::uint32_t> scope_number(const Scope& scope) const;
    [[nodiscard]] std::optional<std::uint32_t> scope_key_number(
        const ScopeKeyId& id) const;  // place in scope_keys()
    // The living principals that are to hold a key of this scope and visibility, in order of the log.
    [[nodiscard]] std::vector<const Principal*> entitled(const Scope& scope, Visibility visibility) const;

    // The folding itself checks nothing; view/replay.h does.
    void add(Principal principal);
    void remove(const PrincipalId& id, std::uint64_t revision);
    void add(ScopeKey key);
    void mark_stale(const ScopeKeyId& id);

  private:
    std::vector<Principal> principals_;
    std::vector<ScopeKey> scope_keys_;
    std::unordered_map<PrincipalId, std::size_t, FixedBytesHash> by_id_;
    std::unordered_map<SigningPublic, std::size_t, FixedBytesHash> by_signing_;
    std::set<SealingPublic> sealing_;
    std::map<std::string, std::size_t, std::less<>> living_names_;
    std::unordered_map<ScopeKeyId, std::uint32_t, FixedBytesHash> by_key_id_;
    std::map<std::pair<Scope, Visibility>, std::uint32_t> newest_;
    std::vector<Scope> scopes_;
    std::map<Scope, std::uint32_t> scope_numbers_;
};

}  // namespace coffer
