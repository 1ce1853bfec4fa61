// SPDX-License-Identifier: Apache-2.0
//
// Worker: what one serving thread has for itself, so that nothing of it needs a lock: locked memory and its
// own connection to the store.
#pragma once

#include <memory>

#include "log/backend.h"
#include "serve/scratch.h"

namespace coffer {

struct Worker {
    Scratch scratch;
    std::unique_ptr<Backend> payloads;
};

}  // namespace coffer
