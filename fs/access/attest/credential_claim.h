// SPDX-License-Identifier: Apache-2.0
//
// CredentialClaim: what systemd says of itself when it loads a credential from a socket. Before it connects
// it binds its end to an abstract name that holds the unit and the credential's ID (systemd.exec(5),
// "LoadCredential="):
//
//   NUL | random | "/unit/" | UNIT | "/" | ID
//
// Any process can bind such a name, so this is a claim and no more: the unit is compared with that of the
// peer's cgroup, and the policy decides about the rest. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace coffer {

struct CredentialClaim {
    std::string unit;  // "checkout.service", "checkout@1.service"
    std::string id;    // of LoadCredential=ID:SOCKET: a KEY
    bool operator==(const CredentialClaim&) const = default;
};

// `name`: the peer's whole socket name, its first NUL included. Code::invalid for any other shape; an ID is
// held to the rule for KEYs (names/name.h).
[[nodiscard]] Result<CredentialClaim> parse_credential_claim(std::string_view name);

}  // namespace coffer
