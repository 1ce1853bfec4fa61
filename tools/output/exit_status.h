// SPDX-License-Identifier: Apache-2.0
//
// What the tool tells a script: eight statuses, each a decision for the caller. The table of codes is one
// switch without a default, so that a new Code does not compile before somebody has decided.
#pragma once

#include "base/result.h"

namespace coffer {

enum class ExitStatus : int {
    done = 0,
    failed = 1,       // anything else; the message says what
    usage = 2,        // the command line, a name, a value or a file was malformed: say it differently
    not_found = 3,    // no such secret, version, principal, scope or file
    not_allowed = 4,  // the role, the pattern, the visibility or the passphrase forbids it
    conflict = 5,     // somebody else changed it first, or it exists already
    tampered = 6,     // the store, its history or a watermark does not hold
    unavailable = 7,  // the store cannot be opened, read or written now
};

[[nodiscard]] ExitStatus exit_status(Code code);

}  // namespace coffer
