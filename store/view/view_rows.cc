// SPDX-License-Identifier: Apache-2.0
#include "view/view_rows.h"

namespace coffer {
namespace {

constexpr std::string_view kSchema =
    "CREATE TABLE head(one INTEGER PRIMARY KEY CHECK(one = 1), store BLOB NOT NULL, owner BLOB NOT NULL,"
    " revision INTEGER NOT NULL, hash BLOB NOT NULL) STRICT\n"
    "CREATE TABLE commits(revision INTEGER PRIMARY KEY, hash BLOB NOT NULL, time_ms INTEGER NOT NULL,"
    " signer BLOB NOT NULL) STRICT\n"
    "CREATE TABLE principals(number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, name TEXT NOT NULL,"
    " role INTEGER NOT NULL, org TEXT NOT NULL, project TEXT NOT NULL, domain TEXT NOT NULL, signing BLOB "
    "NOT NULL,"
    " sealing BLOB NOT NULL, added INTEGER NOT NULL, removed INTEGER NOT NULL) STRICT\n"
    "CREATE TABLE scope_keys(number INTEGER PRIMARY KEY, id BLOB NOT NULL, org TEXT NOT NULL, project TEXT "
    "NOT NULL,"
    " domain TEXT NOT NULL, visibility INTEGER NOT NULL, generation INTEGER NOT NULL, public_half BLOB NOT "
    "NULL,"
    " creator BLOB NOT NULL, revision INTEGER NOT NULL, stale INTEGER NOT NULL) STRICT\n"
    "CREATE TABLE grants(number INTEGER PRIMARY KEY, scope_key INTEGER NOT NULL, principal BLOB NOT NULL,"
    " revision INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT\n"
    "CREATE INDEX grants_by_principal ON grants(principal, scope_key)\n"
    "CREATE TABLE secrets(number INTEGER PRIMARY KEY, scope INTEGER NOT NULL, key TEXT NOT NULL,"
    " visibility INTEGER NOT NULL, last_version INTEGER NOT NULL, live_version INTEGER NOT NULL) STRICT\n"
    "CREATE UNIQUE INDEX secrets_by_name ON secrets(scope, key)\n"
    "CREATE TABLE versions(secret INTEGER NOT NULL, version INTEGER NOT NULL, change INTEGER NOT NULL,"
    " revision INTEGER NOT NULL, scope_key INTEGER NOT NULL, sealed_as INTEGER NOT NULL, not_after_ms "
    "INTEGER NOT NULL,"
    " payload BLOB NOT NULL, padded_len INTEGER NOT NULL, purged INTEGER NOT NULL, PRIMARY KEY(secret, "
    "version))"
    " STRICT, WITHOUT ROWID\n"
    "CREATE UNIQUE INDEX versions_by_payload ON versions(payload) WHERE change = 1\n";

std::uint64_t number(auto value) {
    return static_cast<std::uint64_t>(value);
}

}  // namespace

std::string ViewRows::schema() {
    return std::string(kSchema);
}

// ---- head, principals, scope keys

Result<void> ViewRows::write_head(const Pin& pin, const Head& head) {
    COFFER_TRY(auto row, database_.query("INSERT OR REPLACE INTO head VALUES(1, ?, ?, ?, ?)"));
    return row.bind(pin.store).bind(pin.owner).bind(head.revision).bind(head.hash).run();
}

Result<std::optional<std::pair<Pin, Head>>> ViewRows::read_head() {
    COFFER_TRY(auto row, database_.query("SELECT store, owner, revision, hash FROM head"));
    COFFER_TRY(bool found, row.step());
    if (!found) return std::nullopt;
    Pin pin;
    Head head;
    COFFER_TRY(pin.store, row.fixed<StoreId>(0));
    COFFER_TRY(pin.owner, row.fixed<PrincipalId>(1));
    head.revision = row.integer(2);
    COFFER_TRY(head.hash, row.fixed<Hash>(3));
    return std::pair{pin, head};
}

Result<void> ViewRows::add_commit(const Head& head, std::uint64_t time_ms, const PrincipalId& signer) {
    COFFER_TRY(auto row, database_.query("INSERT INTO commits VALUES(?, ?, ?, ?)"));
    return row.bind(head.revision).bind(head.hash).bind(time_ms).bind(signer).run();
}

Result<std::optional<Hash>> ViewRows::commit_hash(std::uint64_t revision) {
    COFFER_TRY(auto row, database_.query("SELECT hash FROM commits WHERE revision = ?"));
    COFFER_TRY(bool found, row.bind(revision).step());
    if (!found) return std::nullopt;
    COFFER_TRY(auto hash, row.fixed<Hash>(0));
    return hash;
}

Result<void> ViewRows::add_principal(const Principal& principal) {
    COFFER_TRY(auto row,
               database_.query("INSERT INTO principals VALUES(NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    return row.bind(principal.id)
        .bind(principal.name)
        .bind(number(principal.role))
        .bind(principal.pattern.org)
        .bind(principal.pattern.project)
        .bind(principal.pattern.domain)
        .bind(principal.recipient.signing)
        .bind(principal.recipient.sealing)
        .bind(principal.added)
        .bind(principal.removed)
        .run();
}

Result<void> ViewRows::remove_principal(const PrincipalId& id, std::uint64_t revision) {
    COFFER_TRY(auto row, database_.query("UPDATE principals SET removed = ? WHERE id = ?"));
    return row.bind(revision).bind(id).run();
}

Result<void> ViewRows::add_scope_key(const ScopeKey& key) {
    COFFER_TRY(auto place, number_of(key.id));
    COFFER_TRY(auto row, database_.query("INSERT INTO scope_keys VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
    return row.bind(place)
        .bind(key.id)
        .bind(key.scope.org)
        .bind(key.scope.project)
        .bind(key.scope.domain)
        .bind(number(key.visibility))
        .bind(std::uint64_t{key.generation})
        .bind(key.public_half)
        .bind(key.creator)
        .bind(key.revision)
        .bind(std::uint64_t{key.stale})
        .run();
}

Result<void> ViewRows::mark_stale(const ScopeKeyId& id) {
    COFFER_TRY(auto row, database_.query("UPDATE scope_keys SET stale = 1 WHERE number = ?"));
    COFFER_TRY(auto place, number_of(id));
    return row.bind(place).run();
}

Result<Roster> ViewRows::read_roster() {
    Roster roster;
    COFFER_TRY(auto row,
               database_.query("SELECT id, name, role, org, project, domain, signing, sealing, added, removed"
                               " FROM principals ORDER BY number"));
    while (true) {
        COFFER_TRY(bool found, row.step());
        if (!found) break;
        Principal principal;
        COFFER_TRY(principal.id, row.fixed<PrincipalId>(0));
        principal.name = row.text(1);
        principal.role = static_cast<Role>(row.integer(2));
        principal.pattern = {std::string(row.text(3)), std::string(row.text(4)), std::string(row.text(5))};
        COFFER_TRY(principal.recipient.signing, row.fixed<SigningPublic>(6));
        COFFER_TRY(principal.recipient.sealing, row.fixed<SealingPublic>(7));
        principal.added = row.integer(8);
        principal.removed = row.integer(9);
        roster.add(std::move(principal));
    }
    COFFER_TRY(auto keys, database_.query(
                              "SELECT id, org, project, domain, visibility, generation, public_half, creator,"
                              " revision, stale FROM scope_keys ORDER BY number"));
    while (true) {
        COFFER_TRY(bool found, keys.step());
        if (!found) return roster;
        ScopeKey key;
        COFFER_TRY(key.id, keys.fixed<ScopeKeyId>(0));
        key.scope = {std::string(keys.text(1)), std::string(keys.text(2)), std::string(keys.text(3))};
        key.visibility = static_cast<Visibility>(keys.integer(4));
        key.generation = static_cast<std::uint32_t>(keys.integer(5));
        COFFER_TRY(key.public_half, keys.fixed<SealingPublic>(6));
        COFFER_TRY(key.creator, keys.fixed<PrincipalId>(7));
        key.revision = keys.integer(8);
        key.stale = keys.integer(9) != 0;
        roster.add(std::move(key));
    }
}

Result<std::uint64_t> ViewRows::number_of(const ScopeKeyId& id) const {
    auto found = roster_.scope_key_number(id);
    if (!found) return fail(Code::tampered, "scope key ", id.hex(), " is in no commit of this view");
    return *found;
}

// ---- grants

Result<void> ViewRows::add_grant(const Grant& grant, std::uint64_t revision) {
    COFFER_TRY(auto key, number_of(grant.scope_key));
    COFFER_TRY(auto row, database_.query("INSERT INTO grants VALUES(NULL, ?, ?, ?, ?)"));
    return row.bind(key).bind(grant.principal).bind(revision).bind(grant.sealed).run();
}

Result<std::vector<GrantRecord>> ViewRows::read_grants(Query& row) const {
    std::vector<GrantRecord> out;
    while (true) {
        COFFER_TRY(bool found, row.step());
        if (!found) return out;
        auto place = row.integer(0);
        if (place >= roster_.scope_keys().size())
            return fail(Code::tampered, "a grant of an unknown scope key in the view");
        GrantRecord grant;
        grant.scope_key = roster_.scope_keys()[place].id;
        COFFER_TRY(grant.principal, row.fixed<PrincipalId>(1));
        grant.revision = row.integer(2);
        COFFER_TRY(grant.sealed, row.fixed<SealedScopeKey>(3));
        out.push_back(grant);
    }
}

Result<std::vector<GrantRecord>> ViewRows::grants_to(const PrincipalId& principal) {
    COFFER_TRY(auto row,
               database_.query("SELECT scope_key, principal, revision, sealed FROM grants WHERE principal = ?"
                               " ORDER BY number DESC"));
    row.bind(principal);
    return read_grants(row);
}

Result<std::vector<GrantRecord>> ViewRows::grants_of(const ScopeKeyId& key, const PrincipalId& principal) {
    COFFER_TRY(auto place, number_of(key));
    COFFER_TRY(auto row, database_.query("SELECT scope_key, principal, revision, sealed FROM grants"
                                         " WHERE principal = ? AND scope_key = ? ORDER BY number DESC"));
    row.bind(principal).bind(place);
    return read_grants(row);
}

// ---- secrets and versions

Result<std::optional<SecretRow>> ViewRows::secret(const SecretName& name) {
    auto scope = roster_.scope_number(name.scope);
    if (!scope) return std::nullopt;
    COFFER_TRY(auto row, database_.query("SELECT number, visibility, last_version, live_version FROM secrets"
                                         " WHERE scope = ? AND key = ?"));
    COFFER_TRY(bool found, row.bind(std::uint64_t{*scope}).bind(name.key).step());
    if (!found) return std::nullopt;
    return SecretRow{row.integer(0), static_cast<Visibility>(row.integer(1)), row.integer(2), row.integer(3)};
}

Result<std::optional<std::uint64_t>> ViewRows::add_secret(const SecretName& name, Visibility visibility) {
    auto scope = roster_.scope_number(name.scope);
    if (!scope) return fail(Code::tampered, "no scope key names ", name.scope.text());
    COFFER_TRY(auto row, database_.query("INSERT INTO secrets VALUES(NULL, ?, ?, ?, 1, 1)"
                                         " ON CONFLICT(scope, key) DO NOTHING"));
    COFFER_CHECK(row.bind(std::uint64_t{*scope}).bind(name.key).bind(number(visibility)).run());
    if (database_.changed_rows() == 0) return std::nullopt;
    return database_.last_inserted();
}

Result<void> ViewRows::set_versions(std::uint64_t secret, std::uint64_t last, std::uint64_t live) {
    COFFER_TRY(auto row,
               database_.query("UPDATE secrets SET last_version = ?, live_version = ? WHERE number = ?"));
    return row.bind(last).bind(live).bind(secret).run();
}

Result<bool> ViewRows::add_version(std::uint64_t secret, const Version& version) {
    static_assert(static_cast<int>(Change::put) == 1, "the index versions_by_payload is of these");
    std::uint64_t key = 0;
    if (version.change != Change::removal) {
        COFFER_TRY(key, number_of(version.scope_key));
    }
    COFFER_TRY(auto row, database_.query("INSERT INTO versions VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                                         " ON CONFLICT(payload) WHERE change = 1 DO NOTHING"));
    COFFER_CHECK(row.bind(secret)
                     .bind(version.version)
                     .bind(number(version.change))
                     .bind(version.revision)
                     .bind(key)
                     .bind(version.sealed_as)
                     .bind(version.not_after_ms)
                     .bind(version.payload)
                     .bind(std::uint64_t{version.padded_len})
                     .bind(std::uint64_t{version.purged})
                     .run());
    return database_.changed_rows() > 0;
}

#define VERSION_COLUMNS                                                                                \
    "v.version, v.change, v.revision, c.time_ms, c.signer, v.scope_key, v.sealed_as, v.not_after_ms, " \
    "v.payload,"                                                                                       \
    " v.padded_len, v.purged"

Result<Version> ViewRows::read_version(const Query& row, int first) const {
    Version version;
    version.version = row.integer(first);
    version.change = static_cast<Change>(row.integer(first + 1));
    version.revision = row.integer(first + 2);
    version.time_ms = row.integer(first + 3);
    COFFER_TRY(version.signer, row.fixed<PrincipalId>(first + 4));
    if (version.change == Change::removal) return version;
    auto place = row.integer(first + 5);
    if (place >= roster_.scope_keys().size())
        return fail(Code::tampered, "a version under an unknown scope key in the view");
    version.scope_key = roster_.scope_keys()[place].id;
    version.sealed_as = row.integer(first + 6);
    version.not_after_ms = row.integer(first + 7);
    COFFER_TRY(version.payload, row.fixed<Hash>(first + 8));
    version.padded_len = static_cast<std::uint32_t>(row.integer(first + 9));
    version.purged = row.integer(first + 10) != 0;
    return version;
}

Result<std::optional<Version>> ViewRows::version(std::uint64_t secret, std::uint64_t version) {
    COFFER_TRY(auto row,
               database_.query("SELECT " VERSION_COLUMNS " FROM versions v JOIN commits c USING(revision)"
                               " WHERE v.secret = ? AND v.version = ?"));
    COFFER_TRY(bool found, row.bind(secret).bind(version).step());
    if (!found) return std::nullopt;
    COFFER_TRY(auto value, read_version(row, 0));
    return value;
}

Result<std::vector<Version>> ViewRows::versions(std::uint64_t secret) {
    COFFER_TRY(auto row,
               database_.query("SELECT " VERSION_COLUMNS " FROM versions v JOIN commits c USING(revision)"
                               " WHERE v.secret = ? ORDER BY v.version"));
    row.bind(secret);
    std::vector<Version> out;
    while (true) {
        COFFER_TRY(bool found, row.step());
        if (!found) return out;
        COFFER_TRY(auto version, read_version(row, 0));
        out.push_back(version);
    }
}

Result<bool> ViewRows::is_kept(const Hash& payload) {
    COFFER_TRY(auto row,
               database_.query("SELECT 1 FROM versions WHERE payload = ? AND change = 1 AND purged = 0"));
    return row.bind(payload).step();
}

Result<void> ViewRows::mark_purged(std::uint64_t secret, const Hash& payload) {
    COFFER_TRY(
        auto row,
        database_.query("UPDATE versions SET purged = 1 WHERE secret = ? AND payload = ? AND change != 3"));
    return row.bind(secret).bind(payload).run();
}

Result<void> ViewRows::for_each(const std::optional<std::uint32_t>& scope,
                                const std::function<bool(const Secret&)>& visit) {
#define SECRETS_WITH_LIVE                                                                             \
    "SELECT s.number, s.scope, s.key, s.visibility, s.last_version, s.live_version, " VERSION_COLUMNS \
    " FROM secrets s LEFT JOIN versions v ON v.secret = s.number AND v.version = s.live_version"      \
    " LEFT JOIN commits c ON c.revision = v.revision "
    COFFER_TRY(auto row, database_.query(scope ? SECRETS_WITH_LIVE "WHERE s.scope = ? ORDER BY s.number"
                                               : SECRETS_WITH_LIVE "ORDER BY s.number"));
    if (scope) row.bind(std::uint64_t{*scope});
    while (true) {
        COFFER_TRY(bool found, row.step());
        if (!found) return {};
        auto place = row.integer(1);
        if (place >= roster_.scopes().size())
            return fail(Code::tampered, "a secret of an unknown scope in the view");
        Secret secret;
        secret.number = row.integer(0);
        secret.name = {roster_.scopes()[place], std::string(row.text(2))};
        secret.visibility = static_cast<Visibility>(row.integer(3));
        secret.last_version = row.integer(4);
        if (row.integer(5) != 0) {
            COFFER_TRY(secret.live, read_version(row, 6));
        }
        if (!visit(secret)) return {};
    }
#undef SECRETS_WITH_LIVE
}

Result<std::vector<ScopeKeyId>> ViewRows::scope_keys_in_use() {
    COFFER_TRY(
        auto row,
        database_.query("SELECT DISTINCT v.scope_key FROM secrets s JOIN versions v"
                        " ON v.secret = s.number AND v.version = s.live_version WHERE s.live_version > 0"));
    std::vector<ScopeKeyId> out;
    while (true) {
        COFFER_TRY(bool found, row.step());
        if (!found) return out;
        auto place = row.integer(0);
        if (place < roster_.scope_keys().size()) out.push_back(roster_.scope_keys()[place].id);
    }
}

Result<void> ViewRows::clear() {
    return database_.execute(
        "DELETE FROM head; DELETE FROM commits; DELETE FROM principals; DELETE FROM scope_keys; DELETE FROM "
        "grants;"
        " DELETE FROM secrets; DELETE FROM versions");
}

}  // namespace coffer
