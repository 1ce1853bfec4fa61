// SPDX-License-Identifier: Apache-2.0
//
// StatusFiles: the texts of /.coffer: status.json, metrics (Prometheus text format 0.0.4) and revision. Each
// is made at the open. Thread-safe.
#pragma once

#include <string>

#include "serve/catalogue.h"
#include "serve/handles.h"
#include "serve/status.h"
#include "serve/unsealer.h"

namespace coffer {

class StatusFiles {
  public:
    struct Parts {
        const Catalogue& catalogue;
        const Unsealer& unsealer;
        const Handles& handles;
        const KeyRing& keys;
        const Status& status;
        std::string store_id, host, version, attest_method;
    };
    explicit StatusFiles(Parts parts) : parts_(std::move(parts)) {}

    // `file`: kStatusJson, kMetrics or kRevision.
    [[nodiscard]] std::string text(NameId file) const;

  private:
    [[nodiscard]] std::string status_json() const;
    [[nodiscard]] std::string metrics() const;
    const Parts parts_;
};

}  // namespace coffer
