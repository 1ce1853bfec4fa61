// SPDX-License-Identifier: Apache-2.0
//
// CredentialSource: from the peer of a socket and what it claims to the value that it may have. What goes
// for an OPEN in the mount goes here: the same gate, the same limits and expiry, a record of each decision
// (operation "credential"). Beyond that the peer has to be systemd's loader of credentials, in the unit that
// it claims to load for. Thread-safe, each call with a worker of its own.
#pragma once

#include <memory>

#include "access/attest/credential_claim.h"
#include "serve/catalogue.h"
#include "serve/gate.h"
#include "serve/socket_peer.h"
#include "serve/unsealer.h"
#include "serve/worker.h"

namespace coffer {

class CredentialSource {
  public:
    struct Parts {
        const Catalogue& catalogue;
        Unsealer& unsealer;
        Gate& gate;
        Status& status;
        AuditLog& audit;
    };
    explicit CredentialSource(const Parts& parts) : parts_(parts) {}

    // The value, in locked memory. An error is the reason for the unit's administrator; it is on record.
    [[nodiscard]] Result<std::shared_ptr<const LargeCopy>> fetch(const SocketPeer& peer,
                                                                 const CredentialClaim& claim,
                                                                 Worker& worker);

  private:
    [[nodiscard]] Result<Visitor> identify(const SocketPeer& peer, const CredentialClaim& claim);
    [[nodiscard]] Result<std::shared_ptr<const LargeCopy>> open(const Shown& shown, Worker& worker);

    const Parts parts_;
};

}  // namespace coffer
