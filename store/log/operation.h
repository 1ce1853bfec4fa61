// SPDX-License-Identifier: Apache-2.0
//
// The seven operations of a commit, as values: docs/store-format.md, "Operations". What each may do is
// decided at replay (view/replay.h), never here.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "base/bytes.h"
#include "keys/identity.h"
#include "keys/seal.h"
#include "names/scope.h"

namespace coffer {

enum class Role : std::uint8_t { owner = 1, admin = 2, editor = 3, host = 4 };
[[nodiscard]] std::string_view to_text(Role role);
[[nodiscard]] Result<Role> parse_role(std::string_view text);

struct PrincipalAdd {
    std::string name;
    Role role = Role::host;
    Pattern pattern;
    Recipient recipient;
    bool operator==(const PrincipalAdd&) const = default;
};
struct PrincipalRemove {
    PrincipalId principal;
    bool operator==(const PrincipalRemove&) const = default;
};
struct ScopeKeyAdd {
    ScopeKeyId id;
    Scope scope;
    Visibility visibility = Visibility::masked;
    std::uint32_t generation = 1;
    SealingPublic public_half;
    bool operator==(const ScopeKeyAdd&) const = default;
};
struct Grant {
    ScopeKeyId scope_key;
    PrincipalId principal;
    SealedScopeKey sealed;
    bool operator==(const Grant&) const = default;
};
struct Put {
    ScopeKeyId scope_key;
    std::string key;
    std::uint64_t version = 0;
    std::uint64_t sealed_as = 0;     // the version that the payload was sealed for; < version: a restore
    std::uint64_t not_after_ms = 0;  // milliseconds since 1970, 0 = never
    Hash payload;
    std::uint32_t padded_len = 0;  // payload size - kPayloadOverhead
    bool operator==(const Put&) const = default;
};
struct Remove {
    SecretName name;
    std::uint64_t version = 0;
    bool operator==(const Remove&) const = default;
};
struct Purge {
    SecretName name;
    std::uint64_t version = 0;
    bool operator==(const Purge&) const = default;
};

// The alternatives stand in the order of their type numbers, 1 to 7.
using Operation = std::variant<PrincipalAdd, PrincipalRemove, ScopeKeyAdd, Grant, Put, Remove, Purge>;
[[nodiscard]] std::string_view operation_name(const Operation& operation);

}  // namespace coffer
