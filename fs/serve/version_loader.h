// SPDX-License-Identifier: Apache-2.0
//
// VersionLoader: a version's sealed value, for whoever is about to give it out: never one past its expiry;
// one that does not verify raises the alarm, and of one that was replaced meanwhile nothing is kept.
// Thread-safe, each call with a worker of its own.
#pragma once

#include <memory>

#include "access/audit/audit.h"
#include "serve/catalogue.h"
#include "serve/status.h"
#include "serve/unsealer.h"
#include "serve/worker.h"

namespace coffer {

struct VersionLoader {
    const Catalogue& catalogue;
    Unsealer& unsealer;
    Status& status;
    AuditLog& audit;

    // Code::expired past its expiry; else as Unsealer::load(), counted as an error of the daemon's.
    [[nodiscard]] Result<std::shared_ptr<const SealedValue>> load(const Shown& shown, Worker& worker) const;
};

}  // namespace coffer
