// SPDX-License-Identifier: Apache-2.0
#include "serve/session.h"

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "hold/fuse_wire.h"
#include "hold/mount_point.h"

namespace coffer {
namespace {

// Free for our use: libfuse's own loop, which we do not run, is what uses signals.
constexpr int kWakeSignal = SIGUSR1;

constexpr std::uint64_t kNobodysUnique = 1ull << 62;

// FUSE_UNIQUE_RESEND, younger than Debian 12's linux/fuse.h.
bool is_resent(const fuse_buf& buffer) {
    fuse_in_header header{};
    if (buffer.size < sizeof header || !buffer.mem) return false;
    std::memcpy(&header, buffer.mem, sizeof header);
    return (header.unique >> 63) != 0;
}

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

// The program that closes a file is then not interrupted by the worker that its RELEASE wakes, which nobody
// waits for. Who waits for an answer sleeps, and is served as soon. Under systemd the unit says so: the
// filter of its system calls has no scheduling.
void interrupt_nobody() {
    const sched_param none{};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

// By the word of root in fusermount3's own configuration.
bool users_may_allow_others() {
    std::ifstream file("/etc/fuse.conf");
    for (std::string word; file >> word; file.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
        if (word == "user_allow_other") return true;
    }
    return false;
}

}  // namespace

Result<std::unique_ptr<Session>> Session::mount(const std::filesystem::path& path, FuseContext& context,
                                                Unmounter* unmounter) {
    COFFER_CHECK(install_wake_signal());
    if (geteuid() == 0) {
        fuse_session* session = new_session(context, {});
        if (!session) return fail(Code::failed, "libfuse gives no session");
        std::unique_ptr<Session> out(new Session(path, session, Mounted::by_root));
        COFFER_TRY(auto device, mount_as_root(path));
        if (auto used = out->use_device(std::move(device)); !used) {
            (void)unmount_as_root(path);
            return tl::make_unexpected(used.error());
        }
        return out;
    }
    constexpr std::string_view kOptions = "nosuid,nodev,noexec,fsname=coffer,subtype=coffer";
    // fusermount3 would refuse the wish for others, with a message of its own.
    for (bool everybody : {true, false}) {
        if (everybody && !users_may_allow_others()) continue;
        fuse_session* session = new_session(context, concat(everybody ? "allow_other," : "", kOptions));
        if (!session) return fail(Code::failed, "libfuse gives no session");
        std::unique_ptr<Session> out(new Session(path, session, Mounted::by_fusermount));
        if (fuse_session_mount(session, path.c_str()) == 0) {
            out->unmounter_ = unmounter;
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

Result<Session::TakenOver> Session::take_over(HeldMount& held, FuseContext& context, bool forget) {
    COFFER_CHECK(install_wake_signal());
    fuse_session* session = new_session(context, {});
    if (!session) return fail(Code::failed, "libfuse gives no session");
    TakenOver out;
    out.session.reset(new Session(held.path(), session, Mounted::by_holder));
    COFFER_CHECK(out.session->use_device(held.take_device()));
    COFFER_CHECK(out.session->replay_init(held.record()));
    const int device = fuse_session_fd(session);
    if (forget) out.names_forgotten = forget_names(device).has_value();
    if (held.record().can_resend) COFFER_CHECK(ask_to_resend(device));
    return out;
}

Session::~Session() {
    stop();
    // libfuse closes the device, which fusermount3 needs, and has no right to unmount any more.
    if (mounted_ == Mounted::by_fusermount) fuse_session_unmount(session_);
    if (unmounter_) {
        if (auto unmounted = unmounter_->unmount(); !unmounted)
            spdlog::error("{}", unmounted.error().message);
    }
    fuse_session_destroy(session_);
}

Result<void> Session::use_device(Descriptor device) {
    if (fuse_session_mount(session_, concat("/dev/fd/", device.get()).c_str()) != 0)
        return fail(Code::failed, "libfuse does not take the descriptor of /dev/fuse");
    (void)device.release();  // the session's from here on
    return {};
}

// The first request is INIT; the others come when it is answered, and then to the threads.
Result<void> Session::take_init() {
    fuse_buf buffer{};
    int received = -EINTR;
    while (received == -EINTR) received = fuse_session_receive_buf(session_, &buffer);
    if (received > 0) fuse_session_process_buf(session_, &buffer);
    std::free(buffer.mem);  // libfuse allocated it with malloc
    if (received > 0 && !fuse_session_exited(session_)) return {};
    return fail(Code::failed, "the kernel and libfuse do not agree on the FUSE protocol (", received, ')');
}

// libfuse answers it, under a number that the kernel never gives: the kernel drops that answer.
Result<void> Session::replay_init(const HandOver& record) {
    HandOver copy = record;
    fuse_in_header header{};
    if (copy.init_size < sizeof header) return fail(Code::invalid, "the hand-over holds no INIT");
    std::memcpy(&header, copy.init.data(), sizeof header);
    header.unique = kNobodysUnique;
    std::memcpy(copy.init.data(), &header, sizeof header);
    fuse_buf buffer{};
    buffer.size = copy.init_size;
    buffer.mem = copy.init.data();
    fuse_session_process_buf(session_, &buffer);
    if (!fuse_session_exited(session_)) return {};
    return fail(Code::failed, "libfuse does not take the INIT of the hand-over");
}

Result<void> Session::start(std::vector<Worker> workers, int ended) {
    if (mounted_ != Mounted::by_holder) COFFER_CHECK(take_init());
    for (Worker& worker : workers) {
        threads_.push_back(std::make_unique<Thread>());
        Thread& own = *threads_.back();
        own.worker = std::move(worker);
        own.thread = std::thread([this, &own, ended] { serve(own, ended); });
    }
    return {};
}

void Session::serve(Thread& own, int ended) {
    interrupt_nobody();
    serve_with(&own.worker);
    fuse_buf buffer{};
    while (!stopping_.load(std::memory_order_acquire)) {
        int received = fuse_session_receive_buf(session_, &buffer);
        if (received == -EINTR || received == -EAGAIN) continue;
        if (received <= 0) {  // unmounted, or the connection was aborted
            (void)eventfd_write(ended, 1);
            break;
        }
        own.steps.fetch_add(1, std::memory_order_relaxed);
        note_resent(is_resent(buffer));
        fuse_session_process_buf(session_, &buffer);
        own.steps.fetch_add(1, std::memory_order_relaxed);
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

bool Session::progresses() {
    bool all = true;
    for (auto& own : threads_) {
        const std::uint64_t steps = own->steps.load(std::memory_order_relaxed);
        all = all && (steps % 2 == 0 || steps != own->steps_seen);
        own->steps_seen = steps;
    }
    // The root's attributes, which the kernel does not keep anyway: does it still hear us?
    const int heard = fuse_lowlevel_notify_inval_inode(session_, FUSE_ROOT_ID, -1, 0);
    return all && (heard == 0 || heard == -ENOENT);
}

Result<void> Session::unmount() {
    if (mounted_ == Mounted::by_root) return unmount_as_root(path_);
    return {};  // fusermount3 does it at the end: it needs the descriptor closed; a holder's mount stays
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
