// SPDX-License-Identifier: Apache-2.0
#include "watch/changed_secret.h"

#include <algorithm>
#include <set>

#include "view/resolve.h"

namespace coffer {
namespace {

struct NameOf {
    const Roster& roster;
    std::optional<ChangedSecret> operator()(const Put& op) const {
        const ScopeKey* key = roster.scope_key(op.scope_key);
        if (!key) return std::nullopt;
        return ChangedSecret{{key->scope, op.key}, op.version, true};
    }
    std::optional<ChangedSecret> operator()(const Remove& op) const {
        return ChangedSecret{op.name, op.version, true};
    }
    std::optional<ChangedSecret> operator()(const Purge& op) const {
        return ChangedSecret{op.name, op.version, false};
    }
    std::optional<ChangedSecret> operator()(const auto&) const { return std::nullopt; }
};

// docs/design.md, "Paths": which folders there are.
std::set<std::string> projects_of(const Roster& roster, const Scope& scope) {
    if (!scope.project.empty()) return {scope.project};
    std::set<std::string> out;
    for (const Scope& one : roster.scopes())
        if (one.org == scope.org && !one.project.empty()) out.insert(one.project);
    return out;
}

std::set<std::string> domains_of(const Roster& roster, const Scope& scope, const std::string& project) {
    if (!scope.domain.empty()) return {scope.domain};
    std::set<std::string> out;
    for (const Scope& one : roster.scopes()) {
        if (one.org == scope.org && (one.project.empty() || one.project == project) && !one.domain.empty())
            out.insert(one.domain);
    }
    return out;
}

}  // namespace

std::optional<ChangedSecret> changed_secret(const Operation& operation, const Roster& roster) {
    return std::visit(NameOf{roster}, operation);
}

std::string AffectedPath::text() const {
    return concat(org, '/', project, '/', domain, '/', key);
}

Result<std::vector<AffectedPath>> affected_paths(View& view, const SecretName& name) {
    std::vector<AffectedPath> out;
    const Roster& roster = view.roster();
    for (const std::string& project : projects_of(roster, name.scope)) {
        for (const std::string& domain : domains_of(roster, name.scope, project)) {
            COFFER_TRY(auto shown, resolve(view, name.scope.org, project, domain, name.key));
            const auto levels = scopes_serving(name.scope.org, project, domain);
            const auto mine = std::ranges::find(levels, name.scope);
            if (shown && std::ranges::find(levels, shown->name.scope) < mine) continue;
            out.push_back({name.scope.org, project, domain, name.key, std::move(shown)});
        }
    }
    return out;
}

}  // namespace coffer
