// SPDX-License-Identifier: Apache-2.0
//
// The table of libfuse callbacks (fuse_ops.cc). Each decodes its request, makes one call into Operations and
// replies exactly once. Every operation that would write is there: one that is not answers ENOSYS, which the
// kernel remembers.
#pragma once

#include "serve/invalidator.h"
#include "serve/operations.h"

struct fuse_lowlevel_ops;

namespace coffer {

// What the callbacks reach through the session's user data.
struct FuseContext {
    Operations& operations;
    Invalidator& invalidator;
};

[[nodiscard]] const fuse_lowlevel_ops& fuse_operations();
// The calling thread's own worker, for the requests that it processes from now on.
void serve_with(Worker* worker);
// Whether the next request is one that an earlier daemon took and did not answer.
void note_resent(bool resent);

}  // namespace coffer
