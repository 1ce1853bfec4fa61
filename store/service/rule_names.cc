// SPDX-License-Identifier: Apache-2.0
#include "service/rule_names.h"

#include <algorithm>
#include <array>

namespace coffer {
namespace {

// In order, for the search.
constexpr std::array kRules = std::to_array<std::string_view>({
    "commit.enum",
    "commit.format",
    "commit.magic",
    "commit.no-owner",
    "commit.operation-count",
    "commit.operation-type",
    "commit.payloads-too-large",
    "commit.previous",
    "commit.removed-signer",
    "commit.revision",
    "commit.signature",
    "commit.store",
    "commit.too-large",
    "commit.trailing-bytes",
    "commit.truncated",
    "commit.unknown-signer",
    "genesis.owner",
    "genesis.pinned-owner",
    "grant.box",
    "grant.entitlement",
    "grant.principal",
    "grant.scope-key",
    "grant.signer",
    "identity.cost",
    "identity.format",
    "identity.line",
    "identity.passphrase",
    "identity.public-half",
    "identity.spelling",
    "identity.trailing-bytes",
    "name.character",
    "name.empty",
    "name.first-character",
    "name.too-long",
    "payload.box",
    "payload.context",
    "payload.hash",
    "payload.length",
    "payload.missing",
    "payload.padding",
    "principal-add.key-reused",
    "principal-add.name",
    "principal-add.owner-pattern",
    "principal-add.public-key",
    "principal-add.signer",
    "principal-remove.principal",
    "principal-remove.signer",
    "purge.again",
    "purge.live",
    "purge.signer",
    "purge.version",
    "put.generation",
    "put.padded-length",
    "put.payload-reused",
    "put.scope-key",
    "put.sealed-as",
    "put.signer",
    "put.stale-generation",
    "put.version",
    "put.visibility",
    "recipient.sealing",
    "recipient.signing",
    "remove.not-live",
    "remove.signer",
    "remove.version",
    "restore.payload",
    "restore.purged",
    "restore.version",
    "scope-key.generation",
    "scope-key.id-reused",
    "scope-key.key-reused",
    "scope-key.public-key",
    "scope-key.signer",
    "store.fork",
    "store.missing-commit",
    "store.rollback",
    "store.schema",
    "store.unreadable",
});
static_assert(std::ranges::is_sorted(kRules));

}  // namespace

std::string_view known_rule(std::string_view name) {
    if (name.empty()) return {};
    const auto* found = std::ranges::lower_bound(kRules, name);
    return found != kRules.end() && *found == name ? *found : kUnknownRule;
}

}  // namespace coffer
