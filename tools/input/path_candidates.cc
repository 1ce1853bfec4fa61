// SPDX-License-Identifier: Apache-2.0
#include "input/path_candidates.h"

namespace coffer {

void PathCandidates::add(std::string_view path) {
    if (!path.starts_with(typed_)) return;
    const std::size_t slash = path.find('/', typed_.size());
    const std::string_view word = slash == path.npos ? path : path.substr(0, slash + 1);
    if (!words_.contains(word)) words_.emplace(word);
}

}  // namespace coffer
