// SPDX-License-Identifier: Apache-2.0
//
// OpenFile: what one open handle serves: one version of one secret, as ciphertext, whatever the path shows
// later; or the text of one of the daemon's own files as it was at the open.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "access/attest/attest.h"
#include "serve/place.h"
#include "serve/unsealer.h"

namespace coffer {

struct OpenFile {
    uid_t uid = 0;  // the opener's, for the limits
    Place place;
    std::string text;  // of a file of /.coffer; then `sealed` is null

    bool touch = false;  // the watcher's: it tells the size of `sealed` and reads nothing

    std::shared_ptr<const SealedValue> sealed;
    std::uint32_t secret = 0;
    std::uint64_t version = 0, not_after_ms = 0, time_ms = 0;
    std::uint8_t level = 0;
    std::string_view scope;

    std::shared_ptr<const Attested> opener;
    std::chrono::nanoseconds opened{};                         // since boot
    bool inherit = false, cached = false;                      // as the rule says that allowed the open
    mutable std::atomic<std::uint64_t> policy_generation = 0;  // under which the opener was last allowed

    // The shared copy of a large value, from the first READ on. Charged to `uid` until the release.
    mutable std::mutex large_mutex;  // a leaf
    mutable std::shared_ptr<const LargeCopy> large;
};

}  // namespace coffer
