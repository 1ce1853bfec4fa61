// SPDX-License-Identifier: Apache-2.0
#include "log/folder_watch.h"

#include <poll.h>
#include <sys/inotify.h>

#include <string_view>

namespace coffer {

Result<FolderWatch> FolderWatch::open(const std::filesystem::path& folder, std::string prefix) {
    Descriptor inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!inotify)
        return fail(Code::failed, "inotify: ", errno_text(), "; raise fs.inotify.max_user_instances");
    constexpr std::uint32_t kEvents =
        IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE;
    if (inotify_add_watch(inotify.get(), folder.c_str(), kEvents | IN_ONLYDIR) < 0)
        return fail(Code::failed, "watching ", folder.string(), ": ", errno_text());
    return FolderWatch(std::move(inotify), std::move(prefix));
}

bool FolderWatch::drain() {
    alignas(inotify_event) char buffer[4096];
    bool ours = false;
    ssize_t size;
    while ((size = ::read(inotify_.get(), buffer, sizeof buffer)) > 0) {
        for (char* at = buffer; at < buffer + size;) {
            auto* event = reinterpret_cast<inotify_event*>(at);
            // An overflow of the queue has no name: look anyway.
            bool overflow = event->mask & IN_Q_OVERFLOW;
            if (overflow || (event->len > 0 && std::string_view(event->name).starts_with(prefix_)))
                ours = true;
            at += sizeof(inotify_event) + event->len;
        }
    }
    return ours;
}

Result<bool> FolderWatch::wait(std::chrono::milliseconds timeout) {
    auto until = std::chrono::steady_clock::now() + timeout;
    while (true) {
        if (drain()) return true;
        auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        if (left.count() <= 0) return false;
        pollfd wanted{inotify_.get(), POLLIN, 0};
        if (poll(&wanted, 1, static_cast<int>(left.count())) < 0 && errno != EINTR)
            return fail(Code::failed, "poll: ", errno_text());
    }
}

}  // namespace coffer
