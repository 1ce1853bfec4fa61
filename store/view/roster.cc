// SPDX-License-Identifier: Apache-2.0
#include "view/roster.h"

namespace coffer {

bool may_write(const Principal& signer, const Scope& scope) {
    return signer.role == Role::owner || (signer.role == Role::admin && contains(signer.pattern, scope));
}

bool may_make_scope_key(const Principal& signer, const Scope& scope, Visibility visibility) {
    return signer.role == Role::owner || (visibility == Visibility::masked && may_write(signer, scope));
}

bool is_entitled(const Principal& principal, const Scope& scope, Visibility visibility) {
    switch (principal.role) {
        case Role::owner:
            return true;
        case Role::host:
            return meets(principal.pattern, scope);
        case Role::admin:
        case Role::editor:
            return visibility == Visibility::masked && contains(principal.pattern, scope);
    }
    return false;
}

const Principal* Roster::find(const PrincipalId& id) const {
    auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : &principals_[found->second];
}

const Principal* Roster::find_signer(const SigningPublic& key) const {
    auto found = by_signing_.find(key);
    return found == by_signing_.end() ? nullptr : &principals_[found->second];
}

const Principal* Roster::find_living(std::string_view name) const {
    auto found = living_names_.find(name);
    return found == living_names_.end() ? nullptr : &principals_[found->second];
}

Result<const Principal*> Roster::find_host(const PrincipalId& id) const {
    const Principal* principal = find(id);
    if (!principal)
        return fail(Code::not_allowed, "the host identity ", id.hex(),
                    " is not in the store; an owner adds it with `coffer host add`");
    if (!principal->living())
        return fail(Code::not_allowed, "the host \"", principal->name,
                    "\" was removed from the store in revision ", principal->removed,
                    "; an owner adds a new identity with `coffer host add`");
    if (principal->role != Role::host)
        return fail(Code::not_allowed, "the identity of \"", principal->name, "\" is that of an ",
                    to_text(principal->role), ", not of a host; cofferd serves with a host's only");
    return principal;
}

std::size_t Roster::living_owners() const {
    std::size_t count = 0;
    for (const Principal& principal : principals_)
        count += principal.living() && principal.role == Role::owner;
    return count;
}

const ScopeKey* Roster::scope_key(const ScopeKeyId& id) const {
    auto number = scope_key_number(id);
    return number ? &scope_keys_[*number] : nullptr;
}

std::optional<std::uint32_t> Roster::scope_key_number(const ScopeKeyId& id) const {
    auto found = by_key_id_.find(id);
    if (found == by_key_id_.end()) return std::nullopt;
    return found->second;
}

std::optional<std::uint32_t> Roster::scope_number(const Scope& scope) const {
    auto found = scope_numbers_.find(scope);
    if (found == scope_numbers_.end()) return std::nullopt;
    return found->second;
}

const ScopeKey* Roster::newest(const Scope& scope, Visibility visibility) const {
    auto found = newest_.find({scope, visibility});
    return found == newest_.end() ? nullptr : &scope_keys_[found->second];
}

std::vector<const Principal*> Roster::entitled(const Scope& scope, Visibility visibility) const {
    std::vector<const Principal*> out;
    for (const Principal& principal : principals_) {
        if (principal.living() && is_entitled(principal, scope, visibility)) out.push_back(&principal);
    }
    return out;
}

void Roster::add(Principal principal) {
    std::size_t place = principals_.size();
    by_id_[principal.id] = place;
    by_signing_[principal.recipient.signing] = place;
    sealing_.insert(principal.recipient.sealing);
    if (principal.living()) living_names_[principal.name] = place;
    principals_.push_back(std::move(principal));
}

void Roster::remove(const PrincipalId& id, std::uint64_t revision) {
    auto found = by_id_.find(id);
    if (found == by_id_.end()) return;
    Principal& principal = principals_[found->second];
    principal.removed = revision;
    living_names_.erase(principal.name);
}

void Roster::add(ScopeKey key) {
    auto place = static_cast<std::uint32_t>(scope_keys_.size());
    by_key_id_[key.id] = place;
    newest_[{key.scope, key.visibility}] = place;
    sealing_.insert(key.public_half);
    if (scope_numbers_.try_emplace(key.scope, static_cast<std::uint32_t>(scopes_.size())).second)
        scopes_.push_back(key.scope);
    scope_keys_.push_back(std::move(key));
}

void Roster::mark_stale(const ScopeKeyId& id) {
    if (auto number = scope_key_number(id)) scope_keys_[*number].stale = true;
}

}  // namespace coffer
