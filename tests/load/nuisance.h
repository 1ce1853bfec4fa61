// SPDX-License-Identifier: Apache-2.0
//
// Nuisances: processes of one user that do one thing again and again until they are told to end, and count.
#pragma once

#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#include <atomic>
#include <new>
#include <random>

#include "support/long_form.h"
#include "support/mounted_store.h"

namespace coffer::test {

class Nuisances {
  public:
    // `act` is called with a generator of numbers of its own; true: it was refused or answered as it has to
    // be.
    template <class Act>
    void add(const Who& who, Act act) {
        const auto own = static_cast<unsigned>(seed() + children_.size());
        const pid_t child = fork();
        if (child != 0) {
            children_.push_back(child);
            return;
        }
        if (!become(who)) _exit(1);
        std::mt19937 random(own);
        while (!shared_->stopping) {
            shared_->done += 1;
            if (!act(random)) shared_->wrong += 1;
        }
        _exit(0);
    }
    Nuisances() {
        void* memory =
            mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) throw std::runtime_error("mmap");
        shared_ = new (memory) Shared{};
    }
    ~Nuisances() {
        stop();
        munmap(shared_, sizeof(Shared));
    }
    Nuisances(const Nuisances&) = delete;
    Nuisances& operator=(const Nuisances&) = delete;

    void stop() {
        shared_->stopping = true;
        for (pid_t child : children_) {
            for (int left = kClientPatience / 10; left > 0 && waitpid(child, nullptr, WNOHANG) == 0; --left) {
                usleep(10000);
                if (left == 1) shared_->wrong += 1;
            }
            kill(child, SIGKILL);
            waitpid(child, nullptr, 0);
        }
        children_.clear();
    }
    [[nodiscard]] std::uint64_t done() const { return shared_->done; }
    [[nodiscard]] std::uint64_t wrong() const { return shared_->wrong; }

  private:
    struct Shared {
        std::atomic<std::uint64_t> done, wrong;
        std::atomic<bool> stopping;
    };
    Shared* shared_ = nullptr;
    std::vector<pid_t> children_;
};

// Somebody to whom nothing is allowed: names that were never there, names that are, watches, attributes,
// listings and the daemon's own files.
inline void add_strangers(Nuisances& to, const Who& who, const MountedStore& mounted,
                          std::string_view secret) {
    const auto key = mounted.path(secret), folder = mounted.mount();
    to.add(who, [folder](std::mt19937& random) {
        const auto name = concat("acme/checkout/production/N", random());
        return read_path(folder / name).error == ENOENT;
    });
    to.add(who, [key](std::mt19937&) { return read_path(key).error == ENOENT; });
    to.add(who, [key, folder](std::mt19937& random) {
        const int inotify = inotify_init1(IN_CLOEXEC);
        for (int i = 0; i < 200; ++i) {
            const auto name = concat("W", random());
            (void)inotify_add_watch(inotify, (folder / name).c_str(), IN_ALL_EVENTS);
        }
        const bool hidden =
            inotify < 0 || (inotify_add_watch(inotify, key.c_str(), IN_ALL_EVENTS) < 0 && errno == ENOENT);
        close(inotify);
        return hidden;
    });
    to.add(who, [key, folder](std::mt19937&) {
        char value[256];
        const bool none = getxattr(folder.c_str(), "user.coffer", value, sizeof value) < 0 &&
                          listxattr(folder.c_str(), value, sizeof value) <= 0;
        return none && getxattr(key.c_str(), "user.version", value, sizeof value) < 0 && errno == ENOENT;
    });
    to.add(who, [folder](std::mt19937&) { return !read_path(folder / ".coffer/status.json").good(); });
    to.add(who, [folder](std::mt19937&) {
        std::error_code error;
        for (const auto& one : std::filesystem::directory_iterator(folder, error))
            if (one.path().filename() == "acme") return false;
        return true;
    });
}

}  // namespace coffer::test
