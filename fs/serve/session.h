// SPDX-License-Identifier: Apache-2.0
//
// Session: the connection to the kernel: the mount, and the threads that take requests from it. The loop is
// our own: libfuse's cancels threads inside read(2) and can lose a request that was just taken. Here a thread
// is woken from a blocked read by a signal, which the kernel answers with EINTR only while no request has
// been taken; so a stop loses nothing. clone_fd is never used: what a dead clone had taken would be aborted.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "base/descriptor.h"
#include "serve/fuse_ops.h"

struct fuse_session;

namespace coffer {

class Session {
  public:
    // Mounts on a directory that check_mount_point has found good: as root by mount(2), else through
    // fusermount3. `context` must outlive the session.
    [[nodiscard]] static Result<std::unique_ptr<Session>> mount(const std::filesystem::path& path,
                                                                FuseContext& context);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Answers INIT, then serves with one thread per worker. `ended` becomes readable when the mount is gone.
    [[nodiscard]] Result<void> start(std::vector<Worker> workers, int ended);
    // What invalidator orders come to.
    void send(const Invalidation& one);
    // Takes the mount off the tree; what is open is served until stop().
    [[nodiscard]] Result<void> unmount();
    // Returns once every request that was taken has been answered.
    void stop();

  private:
    struct Thread {
        Worker worker;
        std::atomic<bool> done = false;
        std::thread thread;
    };
    Session(std::filesystem::path path, fuse_session* session) : path_(std::move(path)), session_(session) {}
    void serve(Thread& own, int ended);

    std::filesystem::path path_;
    fuse_session* session_;
    bool by_fusermount_ = false;
    std::atomic<bool> stopping_ = false;
    std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace coffer
