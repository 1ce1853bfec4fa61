// SPDX-License-Identifier: Apache-2.0
//
// Session: the connection to the kernel: the mount, its own or one that coffer-mount holds, and the threads
// that take requests from it. The loop is
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
#include "hold/unmounter.h"
#include "serve/fuse_ops.h"
#include "serve/held_mount.h"

struct fuse_session;

namespace coffer {

class Session {
  public:
    // Mounts on a directory that check_mount_point has found good: as root by mount(2), else through
    // fusermount3, and then `unmounter` takes it off at the end. Both must outlive the session.
    [[nodiscard]] static Result<std::unique_ptr<Session>> mount(const std::filesystem::path& path,
                                                                FuseContext& context, Unmounter* unmounter);
    // Serves on where an earlier daemon has ended: libfuse is shown the INIT that the kernel sent once, and
    // the kernel sends again what was taken and not answered, before any other request is taken.
    // `forget_names`: what was removed meanwhile may still be kept by the kernel under its name; false in the
    // second where the kernel cannot forget it at once (before 6.16).
    struct TakenOver {
        std::unique_ptr<Session> session;
        bool names_forgotten = false;
    };
    [[nodiscard]] static Result<TakenOver> take_over(HeldMount& held, FuseContext& context,
                                                     bool forget_names);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Serves with one thread per worker, after INIT on a mount of its own. `ended` becomes readable when the
    // mount is gone.
    [[nodiscard]] Result<void> start(std::vector<Worker> workers, int ended);
    // What invalidator orders come to.
    void send(const Invalidation& one);
    // Is the connection alive, and has every thread that was busy at the last call answered since? For one
    // thread, now and then.
    [[nodiscard]] bool progresses();
    // Takes the mount off the tree, if it is this session's own; what is open is served until stop().
    [[nodiscard]] Result<void> unmount();
    // Returns once every request that was taken has been answered.
    void stop();

  private:
    struct Thread {
        Worker worker;
        std::atomic<std::uint64_t> steps = 0;  // odd while it is busy with a request
        std::uint64_t steps_seen = 0;          // progresses()'s own
        std::atomic<bool> done = false;
        std::thread thread;
    };
    enum class Mounted : std::uint8_t { by_root, by_fusermount, by_holder };
    Session(std::filesystem::path path, fuse_session* session, Mounted mounted)
        : path_(std::move(path)), session_(session), mounted_(mounted) {}
    [[nodiscard]] Result<void> use_device(Descriptor device);
    [[nodiscard]] Result<void> take_init();
    [[nodiscard]] Result<void> replay_init(const HandOver& record);
    void serve(Thread& own, int ended);

    std::filesystem::path path_;
    fuse_session* session_;
    Mounted mounted_;
    Unmounter* unmounter_ = nullptr;  // of what fusermount3 has mounted
    std::atomic<bool> stopping_ = false;
    std::vector<std::unique_ptr<Thread>> threads_;
};

}  // namespace coffer
