// SPDX-License-Identifier: Apache-2.0
//
// The KEYs of what is imported: each is valid and there once. What is not is never mended in silence.
#pragma once

#include <string>
#include <vector>

#include "change/import.h"
#include "formats/entry.h"

namespace coffer {

struct NameOptions {
    bool rename = false;        // --rename: make an invalid name a valid one
    bool skip_invalid = false;  // --skip-invalid: leave it out
};

struct ImportNames {
    std::vector<ImportedValue> values;  // in order of appearance
    std::vector<std::string> notes;     // for the person: what was renamed
    std::vector<std::string> warnings;  // what was left out, and names that are there twice: the last counts
    std::vector<std::string> problems;  // one for each name or value that cannot be taken; empty: all is well
};
[[nodiscard]] ImportNames import_names(const std::vector<Entry>& entries, const NameOptions& options);

// What --rename makes of a name: `_` for each byte that a KEY may not have, and at the front for a dot or a
// dash. Still no KEY when it is empty or too long.
[[nodiscard]] std::string valid_key(std::string_view name);

}  // namespace coffer
