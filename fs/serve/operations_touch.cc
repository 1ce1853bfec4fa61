// SPDX-License-Identifier: Apache-2.0
//
// The operations of the watcher: what makes inotify fire for a file that has changed, and changes nothing.
// docs/design.md, "Watchers".
#include <cerrno>

#include "serve/operations.h"

namespace coffer {

Answer<std::uint64_t> Operations::open_to_touch(const Requester& who, const Place& place, const Shown& shown,
                                                Worker& worker) {
    auto sealed = load(shown, worker);
    if (!sealed) return tl::make_unexpected(sealed.error());
    auto file = std::make_shared<OpenFile>();
    file->uid = who.uid;
    file->place = place;
    file->touch = true;
    file->sealed = *std::move(sealed);
    file->time_ms = shown.time_ms;
    return parts_.handles.add(std::move(file));
}

Answer<struct stat> Operations::touch(const Requester& who, std::uint64_t node,
                                      std::optional<std::uint64_t> size, std::optional<std::uint64_t> handle,
                                      Worker& worker) {
    auto place = parts_.nodes.find(node);
    if (!place || place->is_directory() || place->is_status() || !parts_.gate.check_watcher(who))
        return tl::unexpected<Errno>(refuse_write(who, node));
    auto now = attributes(who, node, handle, worker);
    if (now && size && *size != static_cast<std::uint64_t>(now->st_size)) return answer_errno(EROFS);
    return now;
}

}  // namespace coffer
