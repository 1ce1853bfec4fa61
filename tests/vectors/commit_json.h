// SPDX-License-Identifier: Apache-2.0
//
// A decoded commit body as JSON, for the vectors: what another decoder has to find.
#pragma once

#include <nlohmann/json.hpp>

#include "log/commit.h"

namespace coffer::test {

using Json = nlohmann::ordered_json;

struct OperationJson {
    const char* name;
    Json operator()(const PrincipalAdd& op) const {
        return {{"op", name},
                {"name", op.name},
                {"role", to_text(op.role)},
                {"pattern", op.pattern.text()},
                {"signing", op.recipient.signing.hex()},
                {"sealing", op.recipient.sealing.hex()}};
    }
    Json operator()(const PrincipalRemove& op) const {
        return {{"op", name}, {"principal", op.principal.hex()}};
    }
    Json operator()(const ScopeKeyAdd& op) const {
        return {{"op", name},
                {"id", op.id.hex()},
                {"scope", op.scope.text()},
                {"visibility", to_text(op.visibility)},
                {"generation", op.generation},
                {"public", op.public_half.hex()}};
    }
    Json operator()(const Grant& op) const {
        return {{"op", name},
                {"scope_key", op.scope_key.hex()},
                {"principal", op.principal.hex()},
                {"sealed", op.sealed.hex()}};
    }
    Json operator()(const Put& op) const {
        return {{"op", name},
                {"scope_key", op.scope_key.hex()},
                {"key", op.key},
                {"version", op.version},
                {"sealed_as", op.sealed_as},
                {"not_after_ms", op.not_after_ms},
                {"payload", op.payload.hex()},
                {"padded_len", op.padded_len}};
    }
    Json operator()(const Remove& op) const {
        return {{"op", name}, {"name", op.name.text()}, {"version", op.version}};
    }
    Json operator()(const Purge& op) const {
        return {{"op", name}, {"name", op.name.text()}, {"version", op.version}};
    }
};

inline std::string commit_json(const CommitBody& body) {
    Json operations = Json::array();
    for (const Operation& operation : body.operations) {
        std::string name(operation_name(operation));
        operations.push_back(std::visit(OperationJson{name.c_str()}, operation));
    }
    return Json{{"store", body.store.hex()},
                {"revision", body.revision},
                {"previous", body.previous.hex()},
                {"time_ms", body.time_ms},
                {"operations", operations}}
        .dump();
}

}  // namespace coffer::test
