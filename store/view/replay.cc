// SPDX-License-Identifier: Apache-2.0
#include "view/replay.h"

namespace coffer {

Result<void> Replay::run() {
    for (const Operation& operation : body_.operations)
        COFFER_CHECK(std::visit([this](const auto& op) { return apply(op); }, operation));
    if (roster_.living_owners() == 0)
        return refuse(Code::not_allowed, "commit.no-owner",
                      "this would leave the store without an owner; add another first");
    return {};
}

Result<void> Replay::check_owner(std::string_view rule, std::string_view doing) const {
    if (signer_.role == Role::owner) return {};
    return refuse(Code::not_allowed, rule, doing, " takes an owner; ", signer_.name, " is ",
                  to_text(signer_.role));
}

Result<void> Replay::check_writer(std::string_view rule, const Scope& scope) const {
    if (may_write(signer_, scope)) return {};
    return refuse(Code::not_allowed, rule, "writing secrets of ", scope.text(),
                  " takes an owner or an admin of it; ", signer_.name, " is ", to_text(signer_.role), " of ",
                  signer_.pattern.text());
}

// ---- principals

Result<void> Replay::apply(const PrincipalAdd& op) {
    COFFER_CHECK(check_owner("principal-add.signer", "adding a principal"));
    if (roster_.find_living(op.name))
        return refuse(Code::conflict, "principal-add.name", "there is a principal named ", op.name,
                      " already");
    if (roster_.was_used(op.recipient.signing) || roster_.was_used(op.recipient.sealing))
        return refuse(Code::conflict, "principal-add.key-reused",
                      "these keys were in the store before; keys never return: make a new identity");
    if (op.role == Role::owner && !op.pattern.is_any())
        return refuse(Code::not_allowed, "principal-add.owner-pattern", "an owner is of */*/*, found ",
                      op.pattern.text());
    Principal principal{op.recipient.id(), op.name, op.role, op.pattern, op.recipient, body_.revision, 0};
    COFFER_CHECK(rows_.add_principal(principal));
    roster_.add(std::move(principal));
    return {};
}

Result<void> Replay::apply(const PrincipalRemove& op) {
    COFFER_CHECK(check_owner("principal-remove.signer", "removing a principal"));
    const Principal* principal = roster_.find(op.principal);
    if (!principal || !principal->living())
        return refuse(Code::not_found, "principal-remove.principal", "no living principal ",
                      op.principal.hex());
    roster_.remove(op.principal, body_.revision);
    COFFER_CHECK(rows_.remove_principal(op.principal, body_.revision));

    // Whatever it made or was granted, it may have kept.
    std::set<ScopeKeyId> known;
    COFFER_TRY(auto grants, rows_.grants_to(op.principal));
    for (const GrantRecord& grant : grants) known.insert(grant.scope_key);
    for (const ScopeKey& key : roster_.scope_keys()) {
        if (key.creator == op.principal) known.insert(key.id);
    }
    for (const ScopeKeyId& id : known) {
        roster_.mark_stale(id);
        COFFER_CHECK(rows_.mark_stale(id));
    }
    return {};
}

// ---- scope keys and grants

Result<void> Replay::apply(const ScopeKeyAdd& op) {
    if (!may_make_scope_key(signer_, op.scope, op.visibility))
        return refuse(Code::not_allowed, "scope-key.signer", "making a ", to_text(op.visibility), " key of ",
                      op.scope.text(), " takes an owner",
                      op.visibility == Visibility::masked ? " or an admin of it" : "", "; ", signer_.name,
                      " is ", to_text(signer_.role), " of ", signer_.pattern.text());
    if (roster_.scope_key(op.id))
        return refuse(Code::conflict, "scope-key.id-reused", "scope key id ", op.id.hex(),
                      " was used before");
    if (roster_.was_used(op.public_half))
        return refuse(Code::conflict, "scope-key.key-reused", "this public key was in the store before");
    const ScopeKey* newest = roster_.newest(op.scope, op.visibility);
    std::uint64_t wanted = newest ? std::uint64_t{newest->generation} + 1 : 1;
    if (op.generation != wanted)
        return refuse(Code::conflict, "scope-key.generation", "the next generation of the ",
                      to_text(op.visibility), " key of ", op.scope.text(), " is ", wanted, ", found ",
                      op.generation);
    ScopeKey key{op.id,          op.scope,   op.visibility,  op.generation,
                 op.public_half, signer_.id, body_.revision, false};
    roster_.add(key);
    return rows_.add_scope_key(key);
}

Result<void> Replay::apply(const Grant& op) {
    const ScopeKey* key = roster_.scope_key(op.scope_key);
    if (!key)
        return refuse(Code::tampered, "grant.scope-key", "a grant of the unknown scope key ",
                      op.scope_key.hex());
    if (!may_make_scope_key(signer_, key->scope, key->visibility))
        return refuse(Code::not_allowed, "grant.signer", "granting the ", to_text(key->visibility),
                      " key of ", key->scope.text(), " is not for ", signer_.name, ", ",
                      to_text(signer_.role), " of ", signer_.pattern.text());
    const Principal* principal = roster_.find(op.principal);
    if (!principal || !principal->living())
        return refuse(Code::not_found, "grant.principal", "a grant to ", op.principal.hex(),
                      ", no living principal");
    if (!is_entitled(*principal, key->scope, key->visibility))
        return refuse(Code::not_allowed, "grant.entitlement", principal->name, ", ", to_text(principal->role),
                      " of ", principal->pattern.text(), ", may not hold the ", to_text(key->visibility),
                      " key of ", key->scope.text());
    return rows_.add_grant(op, body_.revision);
}

// ---- secrets

Result<void> Replay::check_fresh(const Put& op, const ScopeKey& key, const ScopeKey& newest) {
    if (key.id != newest.id)
        return refuse(Code::conflict, "put.generation", "a new value goes to generation ", newest.generation,
                      " of ", key.scope.text(), ", found ", key.generation);
    payload_bytes_ += op.padded_len + kPayloadOverhead;
    if (payload_bytes_ > kMaxCommitPayloads)
        return refuse(Code::limit, "commit.payloads-too-large", "the payloads of one commit have at most ",
                      kMaxCommitPayloads, " bytes");
    return {};
}

// A restore names what an earlier version was sealed as, to the letter: nobody can pass off another payload
// as an old one, and a purged one stays gone.
Result<void> Replay::check_restore(const Put& op, const SecretRow& row) {
    COFFER_TRY(auto original, rows_.version(row.number, op.sealed_as));
    if (!original || original->change != Change::put)
        return refuse(Code::not_found, "restore.version", op.key, " has no version that was sealed as ",
                      op.sealed_as);
    if (original->purged)
        return refuse(Code::revoked, "restore.purged", "version ", op.sealed_as, " of ", op.key,
                      " was purged");
    if (original->scope_key != op.scope_key || original->payload != op.payload ||
        original->padded_len != op.padded_len)
        return refuse(Code::tampered, "restore.payload", "the restored payload is not the one of version ",
                      op.sealed_as);
    return {};
}

Result<void> Replay::apply(const Put& op) {
    const ScopeKey* key = roster_.scope_key(op.scope_key);
    if (!key)
        return refuse(Code::tampered, "put.scope-key", "sealed to the unknown scope key ",
                      op.scope_key.hex());
    COFFER_CHECK(check_writer("put.signer", key->scope));
    const ScopeKey* newest = roster_.newest(key->scope, key->visibility);
    if (newest->stale)
        return refuse(Code::conflict, "put.stale-generation", "the ", to_text(key->visibility), " key of ",
                      key->scope.text(),
                      " is stale, for somebody who held it was removed; run `coffer rotate`");
    SecretName name{key->scope, op.key};
    // Most are new where a large log is folded for the first time.
    COFFER_TRY(auto added, rows_.add_secret(name, key->visibility));
    std::optional<SecretRow> row;
    if (added) {
        row = SecretRow{*added, key->visibility, 0, 0};
    } else {
        COFFER_TRY(row, rows_.secret(name));
    }
    if (!row) return fail(Code::tampered, "the view has ", name.text(), " and does not find it");
    if (row->visibility != key->visibility)
        return refuse(Code::not_allowed, "put.visibility", name.text(), " is ", to_text(row->visibility),
                      " for ever, not ", to_text(key->visibility));
    if (op.version != row->last_version + 1)
        return refuse(Code::conflict, "put.version", "the next version of ", name.text(), " is ",
                      row->last_version + 1, ", found ", op.version);
    if (op.sealed_as < 1 || op.sealed_as > op.version)
        return refuse(Code::tampered, "put.sealed-as", "version ", op.version, " sealed as ", op.sealed_as);
    bool fresh = op.sealed_as == op.version;
    if (fresh) {
        COFFER_CHECK(check_fresh(op, *key, *newest));
    } else {
        COFFER_CHECK(check_restore(op, *row));
    }
    Version version{op.version,     fresh ? Change::put : Change::restore,
                    body_.revision, body_.time_ms,
                    signer_.id,     op.scope_key,
                    op.sealed_as,   op.not_after_ms,
                    op.payload,     op.padded_len,
                    false};
    COFFER_TRY(bool is_added, rows_.add_version(row->number, version));
    // Else a purge of the one would destroy the other's payload.
    if (!is_added)
        return refuse(Code::tampered, "put.payload-reused", "the payload ", op.payload.hex(),
                      " was put before; a new value is sealed anew");
    if (added) return {};  // as it was added
    return rows_.set_versions(row->number, op.version, op.version);
}

Result<void> Replay::apply(const Remove& op) {
    COFFER_CHECK(check_writer("remove.signer", op.name.scope));
    COFFER_TRY(auto row, rows_.secret(op.name));
    if (!row || row->live_version == 0)
        return refuse(Code::not_found, "remove.not-live", "there is no ", op.name.text(), " to remove");
    if (op.version != row->last_version + 1)
        return refuse(Code::conflict, "remove.version", "the next version of ", op.name.text(), " is ",
                      row->last_version + 1, ", found ", op.version);
    Version version;
    version.version = op.version;
    version.change = Change::removal;
    version.revision = body_.revision;
    // It has no payload that could have been put before.
    COFFER_CHECK(rows_.add_version(row->number, version));
    return rows_.set_versions(row->number, op.version, 0);
}

Result<void> Replay::apply(const Purge& op) {
    COFFER_CHECK(check_writer("purge.signer", op.name.scope));
    COFFER_TRY(auto row, rows_.secret(op.name));
    if (!row) return refuse(Code::not_found, "purge.version", "there never was ", op.name.text());
    COFFER_TRY(auto version, rows_.version(row->number, op.version));
    if (!version || version->change == Change::removal)
        return refuse(Code::not_found, "purge.version", op.name.text(), " has no value of version ",
                      op.version);
    if (version->purged)
        return refuse(Code::conflict, "purge.again", "version ", op.version, " of ", op.name.text(),
                      " was purged before");
    if (row->live_version != 0) {
        COFFER_TRY(auto live, rows_.version(row->number, row->live_version));
        if (live && live->payload == version->payload)
            return refuse(Code::not_allowed, "purge.live", "version ", op.version, " of ", op.name.text(),
                          " is live, or the live one was restored from it; set or remove it first");
    }
    return rows_.mark_purged(row->number, version->payload);
}

}  // namespace coffer
