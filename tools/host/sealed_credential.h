// SPDX-License-Identifier: Apache-2.0
//
// An identity as an encrypted credential of systemd's, by systemd-creds(1): whoever has the disk alone cannot
// open it. The identity goes there and back by pipes; no temporary file ever holds it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "keys/identity.h"

namespace coffer {

// What the credential is called: in the unit, and for cofferd.
inline constexpr std::string_view kHostCredential = "host.identity";

// "host", "tpm2", "host+tpm2" or "auto", which systemd-creds decides by what this host has. Code::invalid for
// anything else, which is how a credential comes to be under a key that everybody knows.
[[nodiscard]] Result<void> check_credential_key(std::string_view key);

// The credential's text. It has been opened again and compared: what cannot be opened is not handed out.
[[nodiscard]] Result<std::string> seal_credential(const Identity& identity, const std::string& key);

}  // namespace coffer
