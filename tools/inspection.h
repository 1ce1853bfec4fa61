// SPDX-License-Identifier: Apache-2.0
//
// Inspection: a whole store verified anew from revision 1, in memory and trusting nothing that was kept from
// before, with every payload hashed. What `coffer verify` reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "log/backend.h"
#include "view/view.h"

namespace coffer {

struct Inspection {
    Head good;                    // the last revision that verifies
    std::uint64_t end = 0;        // the last revision that is stored
    std::optional<Error> broken;  // why good.revision + 1 does not verify
    std::uint64_t secrets = 0, versions = 0, payloads = 0;
    std::vector<std::string> problems;  // payloads that are missing, changed, or there although purged
    std::vector<Hash> leftovers;        // purged, yet stored: a crash came between the two
    std::vector<Hash> orphans;          // no verified commit names them; harmless

    [[nodiscard]] bool clean() const { return !broken && problems.empty(); }
};

// Writers may go on meanwhile. Fails only for what the machine does, never for what the store says.
[[nodiscard]] Result<Inspection> inspect(Backend& backend, const Pin& pin);

}  // namespace coffer
