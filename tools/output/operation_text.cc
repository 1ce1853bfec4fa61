// SPDX-License-Identifier: Apache-2.0
#include "output/operation_text.h"

#include "input/moment.h"

namespace coffer {
namespace {

std::string name_of(const Roster& roster, const PrincipalId& id) {
    const Principal* principal = roster.find(id);
    return principal ? principal->name : id.hex();
}

// "acme/*/* masked generation 1"
std::string key_text(const Scope& scope, Visibility visibility, std::uint32_t generation) {
    return concat(scope.text(), ' ', to_text(visibility), " generation ", generation);
}

std::string key_of(const Roster& roster, const ScopeKeyId& id) {
    const ScopeKey* key = roster.scope_key(id);
    return key ? key_text(key->scope, key->visibility, key->generation) : id.hex();
}

std::string secret_of(const Roster& roster, const Put& put) {
    const ScopeKey* key = roster.scope_key(put.scope_key);
    return key ? SecretName{key->scope, put.key}.text() : put.key;
}

// One set of overloads a form; std::visit picks.
struct Words {
    const Roster& roster;
    std::string operator()(const PrincipalAdd& op) const {
        return concat("add ", to_text(op.role), ' ', op.name, " of ", op.pattern.text());
    }
    std::string operator()(const PrincipalRemove& op) const {
        return concat("remove principal ", name_of(roster, op.principal));
    }
    std::string operator()(const ScopeKeyAdd& op) const {
        return concat("scope key ", key_text(op.scope, op.visibility, op.generation));
    }
    std::string operator()(const Grant& op) const {
        return concat("grant ", key_of(roster, op.scope_key), " to ", name_of(roster, op.principal));
    }
    std::string operator()(const Put& op) const {
        std::string restored = op.sealed_as < op.version ? concat(" (sealed as ", op.sealed_as, ')') : "";
        return concat("put ", secret_of(roster, op), " version ", op.version, restored);
    }
    std::string operator()(const Remove& op) const {
        return concat("remove ", op.name.text(), " version ", op.version);
    }
    std::string operator()(const Purge& op) const {
        return concat("purge ", op.name.text(), " version ", op.version);
    }
};

struct Fields {
    const Roster& roster;
    Json operator()(const PrincipalAdd& op) const {
        return {{"name", op.name},
                {"role", to_text(op.role)},
                {"pattern", op.pattern.text()},
                {"recipient", op.recipient.text()},
                {"id", op.recipient.id().hex()}};
    }
    Json operator()(const PrincipalRemove& op) const {
        return {{"id", op.principal.hex()}, {"name", name_of(roster, op.principal)}};
    }
    Json operator()(const ScopeKeyAdd& op) const {
        return {{"id", op.id.hex()},
                {"scope", op.scope.text()},
                {"visibility", to_text(op.visibility)},
                {"generation", op.generation}};
    }
    Json operator()(const Grant& op) const {
        return {{"scope_key", op.scope_key.hex()},
                {"of", key_of(roster, op.scope_key)},
                {"principal", name_of(roster, op.principal)}};
    }
    Json operator()(const Put& op) const {
        return {{"secret", secret_of(roster, op)},
                {"version", op.version},
                {"sealed_as", op.sealed_as},
                {"expires", op.not_after_ms == 0 ? Json() : Json(moment_text(op.not_after_ms))}};
    }
    Json operator()(const Remove& op) const { return {{"secret", op.name.text()}, {"version", op.version}}; }
    Json operator()(const Purge& op) const { return {{"secret", op.name.text()}, {"version", op.version}}; }
};

}  // namespace

std::string operations_text(const std::vector<Operation>& operations, const Roster& roster) {
    std::string out;
    std::size_t grants = 0;
    for (const Operation& operation : operations) {
        // A member who joins gets a grant for every scope: counted, not listed.
        if (std::holds_alternative<Grant>(operation)) {
            ++grants;
            continue;
        }
        if (!out.empty()) out += "; ";
        out += std::visit(Words{roster}, operation);
    }
    if (grants == 1 && operations.size() == 1) return std::visit(Words{roster}, operations[0]);
    if (grants > 0) out += concat(out.empty() ? "" : "; ", grants, grants == 1 ? " grant" : " grants");
    return out;
}

Json operation_json(const Operation& operation, const Roster& roster) {
    Json out{{"operation", operation_name(operation)}};
    out.update(std::visit(Fields{roster}, operation));
    return out;
}

}  // namespace coffer
