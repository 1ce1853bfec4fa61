// SPDX-License-Identifier: Apache-2.0
//
// InotifyClient: a client that watches paths with inotify and tells what it sees. Killed at the end.
#pragma once

#include <poll.h>
#include <sys/inotify.h>

#include "support/mounted_store.h"

namespace coffer::test {

class InotifyClient {
  public:
    InotifyClient(const Who& who, const std::vector<std::filesystem::path>& paths, std::uint32_t mask) {
        REQUIRE(pipe2(said_, O_CLOEXEC) == 0);
        child_ = fork();
        if (child_ == 0) {
            if (!become(who)) report(said_[1], failed());
            int inotify = inotify_init1(IN_CLOEXEC);
            for (const auto& path : paths)
                if (inotify_add_watch(inotify, path.c_str(), mask) < 0) report(said_[1], failed());
            if (write(said_[1], "w", 1) != 1) _exit(1);
            run(inotify);
        }
        close(said_[1]);
        char ready = 0;
        REQUIRE(read(said_[0], &ready, 1) == 1);
        REQUIRE(ready == 'w');
    }
    ~InotifyClient() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
        close(said_[0]);
    }
    InotifyClient(const InotifyClient&) = delete;
    InotifyClient& operator=(const InotifyClient&) = delete;

    // "1:MODIFY 1:CLOSE_WRITE 2:MODIFY(KEY) ...": the number of the watch, what happened, in which file.
    bool sees(std::string_view event) {
        return soon([&] {
            pollfd wanted{said_[0], POLLIN, 0};
            char buffer[4096];
            while (poll(&wanted, 1, 0) > 0) {
                ssize_t size = read(said_[0], buffer, sizeof buffer);
                if (size <= 0) break;
                seen_.append(buffer, static_cast<std::size_t>(size));
            }
            return seen_.find(event) != std::string::npos;
        });
    }
    [[nodiscard]] const std::string& seen() const { return seen_; }

  private:
    [[noreturn]] void run(int inotify) const {
        alignas(inotify_event) char buffer[8192];
        ssize_t size;
        while ((size = read(inotify, buffer, sizeof buffer)) > 0) {
            std::string text;
            for (ssize_t at = 0; at < size;) {
                const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
                const std::string name = event->len > 0 ? concat('(', event->name, ')') : "";
                for (auto [bit, word] : {std::pair{IN_MODIFY, "MODIFY"}, {IN_CLOSE_WRITE, "CLOSE_WRITE"}})
                    if (event->mask & static_cast<std::uint32_t>(bit))
                        text += concat(event->wd, ':', word, name, ' ');
                at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
            }
            if (write(said_[1], text.data(), text.size()) < 0) break;
        }
        _exit(0);
    }
    int said_[2] = {-1, -1};
    pid_t child_ = -1;
    std::string seen_;
};

}  // namespace coffer::test
