// SPDX-License-Identifier: Apache-2.0
//
// Import: many values into one scope, at most 1,000 a commit. Each commit is all or nothing; between two of
// them an interruption leaves what was committed. A value that the signer may open and finds the same is left
// alone, so that the same import again adds only what is missing. Values are sealed by several threads.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "change/commit_change.h"

namespace coffer {

struct ImportedValue {
    std::string key;
    ByteView value;
};

struct ImportRequest {
    Scope scope;
    std::optional<Visibility> visibility;   // none: each secret's own, or masked for a new one
    std::span<const ImportedValue> values;  // each KEY once
};

enum class Comparison {
    added,    // there is none, or no more
    changed,  // another value, or one that expires
    same,
    unknown,  // a value is there that this identity does not open
};
[[nodiscard]] std::string_view to_text(Comparison comparison);

struct PlannedValue {
    Comparison comparison = Comparison::added;
    std::uint64_t version = 0;  // that it has (same) or would get
};
// What an import would do, for each value in turn; changes nothing.
[[nodiscard]] Result<std::vector<PlannedValue>> plan_import(VerifiedStore& store, const Identity& signer,
                                                            const ImportRequest& request);

struct ImportOutcome {
    Committed committed;  // the last commit
    std::size_t looked_at = 0, added = 0, changed = 0, same = 0, commits = 0;
};
// Calls `told` after each commit with what is in so far, so that a caller knows it also when a later one
// fails.
[[nodiscard]] Result<ImportOutcome> import_values(VerifiedStore& store, const Identity& signer,
                                                  const ImportRequest& request,
                                                  const std::function<void(const ImportOutcome&)>& told);

}  // namespace coffer
