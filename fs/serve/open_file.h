// SPDX-License-Identifier: Apache-2.0
//
// OpenFile: what one open handle serves: one version of one secret, as ciphertext, whatever the path shows
// later; or the text of one of the daemon's own files as it was at the open; or a rendered file's, with the
// versions that it was made of.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "access/attest/attest.h"
#include "serve/place.h"
#include "serve/unsealer.h"

namespace coffer {

// One secret in the text of an open rendered file.
struct OpenSecret {
    Place place;  // by which the policy knows it
    std::uint32_t secret = 0;
    std::uint64_t version = 0, not_after_ms = 0;
    std::string_view scope;
};

struct OpenFile {
    uid_t uid = 0;  // the opener's, for the limits
    Place place;
    std::string text;  // of a file of /.coffer; then `sealed` is null

    bool touch = false;  // the watcher's: it tells the size of `sealed` and reads nothing

    std::shared_ptr<const SealedValue> sealed;
    std::uint32_t secret = 0;
    std::uint64_t version = 0, not_after_ms = 0, time_ms = 0;
    std::uint8_t level = 0;
    mode_t mode = 0;  // of a rendered file
    std::string_view scope;

    std::shared_ptr<const Attested> opener;
    std::chrono::nanoseconds opened{};                         // since boot
    bool inherit = false, cached = false;                      // as the rule says that allowed the open
    mutable std::atomic<std::uint64_t> policy_generation = 0;  // under which the opener was last allowed

    std::vector<OpenSecret> rendered;  // of a rendered file; then `sealed` is null, and `large` the text

    // The shared copy of a large value, from the first READ on; of a rendered text from the OPEN on. Charged
    // to `uid` until the release.
    mutable std::mutex large_mutex;  // a leaf
    mutable std::shared_ptr<const LargeCopy> large;
};

}  // namespace coffer
