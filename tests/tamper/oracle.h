// SPDX-License-Identifier: Apache-2.0
//
// The oracle: is what a reader believes exactly what is true at one revision of a history? Every difference
// is a text that names it; "" is none.
#pragma once

#include <set>
#include <string>

#include "tamper/true_history.h"
#include "view/verified_store.h"

namespace coffer::test {

// What may be wrong with payloads, which no commit's signature keeps from being damaged.
struct PayloadDamage {
    std::set<Hash> damaged;      // these have to be refused as tampered with
    bool others_may_be = false;  // any other has its true value or is refused
};

enum class Depth {
    names,   // secrets, versions, visibilities, history
    live,    // and what a host and an editor unseal of the live versions
    values,  // and what everybody unseals of every version there was
};

[[nodiscard]] std::string difference(VerifiedStore& store, const TrueHistory& history, std::uint64_t revision,
                                     Depth depth, const PayloadDamage& payloads = {});

// For a reader who has believed a commit that is not of the history, signed by somebody who may sign: nobody
// unseals anything but what was sealed for this very secret and version.
[[nodiscard]] std::string falsehood(VerifiedStore& store, const TrueHistory& history);

}  // namespace coffer::test
