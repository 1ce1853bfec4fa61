// SPDX-License-Identifier: Apache-2.0
//
// PastVersions: versions that are not live any more, for handles that an earlier daemon gave out. The
// catalogue knows live versions only; the others are in the view's file, which this opens a second time, at
// the first that is asked for. Thread-safe: one at a time, which is enough for what is asked once for each
// handle after a hand-over.
#pragma once

#include <filesystem>
#include <mutex>
#include <optional>

#include "serve/catalogue.h"
#include "view/view.h"

namespace coffer {

class PastVersions {
  public:
    PastVersions(std::filesystem::path view_file, const Pin& pin, const Catalogue& catalogue)
        : view_file_(std::move(view_file)), pin_(pin), catalogue_(catalogue) {}

    // What the path showed from this level in this version. Code::not_found when it never did, Code::revoked
    // when the version was removed or purged since.
    [[nodiscard]] Result<Shown> find(const Place& place, std::uint8_t level, std::uint64_t version);

  private:
    const std::filesystem::path view_file_;
    const Pin pin_;
    const Catalogue& catalogue_;
    std::mutex mutex_;  // guards view_
    std::optional<View> view_;
};

}  // namespace coffer
