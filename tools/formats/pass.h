// SPDX-License-Identifier: Apache-2.0
//
// A tree as pass(1) keeps it, with its files decrypted: a value is a file's text without the one line feed at
// its end. Names that begin with a dot (.git, .gpg-id) are pass's own.
#pragma once

#include "formats/entry.h"

namespace coffer {

// Takes the line feeds off what read_directory gave. An error for files that are still encrypted.
[[nodiscard]] Result<void> take_as_pass(Entries& entries);

}  // namespace coffer
