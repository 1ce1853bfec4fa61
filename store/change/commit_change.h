// SPDX-License-Identifier: Apache-2.0
//
// How every change is written: look at the head, build the commit from the intent, sign, fold it into the own
// view (which refuses what every other reader would refuse), append by compare-and-swap. A lost swap builds
// everything anew from the intent, never from the bytes: another version, perhaps another scope key, fresh
// seals, rights looked at again. Random back-off, at most 30 s in all.
#pragma once

#include <functional>
#include <vector>

#include "view/verified_store.h"

namespace coffer {

// One commit to be: its operations, and the payloads that its fresh puts name.
struct Draft {
    std::vector<Operation> operations;
    std::vector<Bytes> payloads;
};

// A draft of more than one commit's worth is filled up to these, operations and bytes of payloads; the rest
// goes into the next commit. (An import, which knows how many operations come, fills it to kMaxOperations.)
inline constexpr std::size_t kDraftOperations = 900;
inline constexpr std::size_t kDraftPayloads = 12u << 20;

// Looks at the view as it is now and says what to commit. Called again after every lost swap. An empty draft
// means that there is nothing (more) to do.
using Intent = std::function<Result<Draft>(VerifiedStore&)>;

struct Committed {
    Head head;  // after the commit; the present head when nothing was to be done
    bool changed = false;
};

// Code::not_allowed when the rules refuse the signer, Code::conflict when the swap was lost for 30 s.
[[nodiscard]] Result<Committed> commit_change(VerifiedStore& store, const Identity& signer,
                                              const Intent& intent);

// For members of a store: refuses an identity that is no living principal of it.
[[nodiscard]] Result<Principal> signing_principal(const VerifiedStore& store, const Identity& signer);

}  // namespace coffer
