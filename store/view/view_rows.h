// SPDX-License-Identifier: Apache-2.0
//
// ViewRows: the tables of a view file, as values. All SQL of the view is in view_rows.cc and the few PRAGMAs
// of view.cc. Scopes and scope keys stand in the tables by their number in the roster, which the order of the
// log gives and so needs no table of its own. Knows no rule.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "sqlite/database.h"
#include "view/view.h"

namespace coffer {

// What replay needs to know of a secret.
struct SecretRow {
    std::uint64_t number = 0;
    Visibility visibility = Visibility::masked;
    std::uint64_t last_version = 0;
    std::uint64_t live_version = 0;  // 0: removed
};

class ViewRows {
  public:
    // Both must outlive this.
    ViewRows(Database& database, const Roster& roster) : database_(database), roster_(roster) {}

    static std::string schema();  // the CREATE statements, one a line

    // Head, principals and scope keys.
    [[nodiscard]] Result<void> write_head(const Pin& pin, const Head& head);
    [[nodiscard]] Result<std::optional<std::pair<Pin, Head>>> read_head();
    [[nodiscard]] Result<void> add_commit(const Head& head, std::uint64_t time_ms, const PrincipalId& signer);
    [[nodiscard]] Result<std::optional<Hash>> commit_hash(std::uint64_t revision);
    [[nodiscard]] Result<void> add_principal(const Principal& principal);
    [[nodiscard]] Result<void> remove_principal(const PrincipalId& id, std::uint64_t revision);
    [[nodiscard]] Result<void> add_scope_key(const ScopeKey& key);
    [[nodiscard]] Result<void> mark_stale(const ScopeKeyId& id);
    [[nodiscard]] Result<Roster> read_roster();

    // Grants.
    [[nodiscard]] Result<void> add_grant(const Grant& grant, std::uint64_t revision);
    [[nodiscard]] Result<std::vector<GrantRecord>> grants_to(const PrincipalId& principal);  // newest first
    [[nodiscard]] Result<std::vector<GrantRecord>> grants_of(const ScopeKeyId& key,
                                                             const PrincipalId& principal);

    // Secrets and their versions.
    [[nodiscard]] Result<std::optional<SecretRow>> secret(const SecretName& name);
    // With version 1, which is live. Its number; nothing where it is there already.
    [[nodiscard]] Result<std::optional<std::uint64_t>> add_secret(const SecretName& name,
                                                                  Visibility visibility);
    [[nodiscard]] Result<void> set_versions(std::uint64_t secret, std::uint64_t last, std::uint64_t live);
    // False, and nothing is added: a fresh put of a payload that a fresh put of any secret has named before.
    [[nodiscard]] Result<bool> add_version(std::uint64_t secret, const Version& version);
    [[nodiscard]] Result<std::optional<Version>> version(std::uint64_t secret, std::uint64_t version);
    [[nodiscard]] Result<std::vector<Version>> versions(std::uint64_t secret);
    // Does a fresh put of any secret name this payload, whose version was not purged?
    [[nodiscard]] Result<bool> is_kept(const Hash& payload);
    // Every version of the secret with this payload.
    [[nodiscard]] Result<void> mark_purged(std::uint64_t secret, const Hash& payload);
    [[nodiscard]] Result<void> for_each(const std::optional<std::uint32_t>& scope,
                                        const std::function<bool(const Secret&)>& visit);
    [[nodiscard]] Result<std::vector<ScopeKeyId>> scope_keys_in_use();
    [[nodiscard]] Result<void> clear();

  private:
    [[nodiscard]] Result<Version> read_version(const Query& row, int first) const;
    [[nodiscard]] Result<std::uint64_t> number_of(const ScopeKeyId& id) const;
    [[nodiscard]] Result<std::vector<GrantRecord>> read_grants(Query& row) const;
    Database& database_;
    const Roster& roster_;
};

}  // namespace coffer
