// SPDX-License-Identifier: Apache-2.0
#include "serve/session.h"

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <array>
#include <chrono>
#include <cstdlib>

#include "serve/mount_point.h"

namespace coffer {
namespace {

// Free for our use: libfuse's own loop, which we do not run, is what uses signals.
constexpr int kWakeSignal = SIGUSR1;

// A handler that does nothing, without SA_RESTART: a blocked read(2) then returns EINTR.
Result<void> install_wake_signal() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    if (sigaction(kWakeSignal, &action, nullptr) != 0) return fail(Code::failed, "sigaction: ", errno_text());
    return {};
}

fuse_session* new_session(FuseContext& context, std::string options) {
    std::string program = "cofferd", dash_o = "-o";
    std::array<char*, 4> arguments = {program.data(), dash_o.data(), options.data(), nullptr};
    fuse_args args = FUSE_ARGS_INIT(options.empty() ? 1 : 3, arguments.data());
    if (options.empty()) arguments[1] = nullptr;
    fuse_session* session = fuse_session_new(&args, &fuse_operations(), sizeof(fuse_lowlevel_ops), &context);
    fuse_opt_free_args(&args);  // what libfuse has made of them, if anything
    return session;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::mount(const std::filesystem::path& path, FuseContext& context) {
    COFFER_CHECK(install_wake_signal());
    if (geteuid() == 0) {
        fuse_session* session = new_session(context, {});
        if (!session) return fail(Code::failed, "libfuse gives no session");
        std::unique_ptr<Session> out(new Session(path, session));
        COFFER_TRY(auto device, mount_as_root(path));
        if (fuse_session_mount(session, concat("/dev/fd/", device.get()).c_str()) != 0) {
            (void)unmount_as_root(path);
            return fail(Code::failed, "libfuse does not take the descriptor of /dev/fuse");
        }
        (void)device.release();  // the session's from here on
        return out;
    }
    constexpr std::string_view kOptions = "nosuid,nodev,noexec,fsname=coffer,subtype=coffer";
    for (bool everybody : {true, false}) {
        fuse_session* session = new_session(context, concat(everybody ? "allow_other," : "", kOptions));
        if (!session) return fail(Code::failed, "libfuse gives no session");
        std::unique_ptr<Session> out(new Session(path, session));
        if (fuse_session_mount(session, path.c_str()) == 0) {
            out->by_fusermount_ = true;
            if (!everybody)
                spdlog::warn(
                    "only uid {} can see this mount: for others, root must put user_allow_other into"
                    " /etc/fuse.conf, or run cofferd as root",
                    geteuid());
            return out;
        }
    }
    return fail(Code::failed, "fusermount3 does not mount on ", path.string(),
                "; its message is above. The directory must be your own and /dev/fuse open to you");
}

Session::~Session() {
    stop();
    if (by_fusermount_) fuse_session_unmount(session_);
    fuse_session_destroy(session_);
}

Result<void> Session::start(std::vector<Worker> workers, int ended) {
    serve_with(&workers.front());
    fuse_buf buffer{};
    // The first request is INIT; the others come when it is answered, and then to the threads.
    int received = -EINTR;
    while (received == -EINTR) received = fuse_session_receive_buf(session_, &buffer);
    if (received > 0) fuse_session_process_buf(session_, &buffer);
    std::free(buffer.mem);  // libfuse allocated it with malloc
    serve_with(nullptr);
    if (received <= 0 || fuse_session_exited(session_))
        return fail(Code::failed, "the kernel and libfuse do not agree on the FUSE protocol (", received,
                    ')');
    for (Worker& worker : workers) {
        threads_.push_back(std::make_unique<Thread>());
        Thread& own = *threads_.back();
        own.worker = std::move(worker);
        own.thread = std::thread([this, &own, ended] { serve(own, ended); });
    }
    return {};
}

void Session::serve(Thread& own, int ended) {
    serve_with(&own.worker);
    fuse_buf buffer{};
    while (!stopping_.load(std::memory_order_acquire)) {
        int received = fuse_session_receive_buf(session_, &buffer);
        if (received == -EINTR || received == -EAGAIN) continue;
        if (received <= 0) {  // unmounted, or the connection was aborted
            (void)eventfd_write(ended, 1);
            break;
        }
        fuse_session_process_buf(session_, &buffer);
    }
    std::free(buffer.mem);
    own.done.store(true, std::memory_order_release);
}

void Session::send(const Invalidation& one) {
    if (one.name.empty())
        (void)fuse_lowlevel_notify_inval_inode(session_, one.node, 0, 0);
    else
        (void)fuse_lowlevel_notify_inval_entry(session_, one.node, one.name.c_str(), one.name.size());
}

Result<void> Session::unmount() {
    if (!by_fusermount_) return unmount_as_root(path_);
    return {};  // fusermount3 does it at the end: it needs the descriptor closed
}

void Session::stop() {
    stopping_.store(true, std::memory_order_release);
    // A signal may come just before the read blocks, so it is sent until the thread is seen to be done.
    for (auto& own : threads_) {
        while (!own->done.load(std::memory_order_acquire)) {
            pthread_kill(own->thread.native_handle(), kWakeSignal);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        own->thread.join();
    }
    threads_.clear();
}

}  // namespace coffer
