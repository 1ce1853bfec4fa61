// SPDX-License-Identifier: Apache-2.0
//
// Load: many clients at once, each a process of its own that reads without a pause.
#pragma once

#include "target.h"

struct Load {
    int clients = 8;
    double seconds = 0.5;
};

// How often in a second all clients together do the sequence. Throws when one of them fails.
double per_second(const Load& load, const Sequence& sequence, const Target& target);
