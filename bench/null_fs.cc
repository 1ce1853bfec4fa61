// SPDX-License-Identifier: Apache-2.0
//
// null_fs: the least that a FUSE file system can do, to measure coffer against. It shows one file,
// a/b/c/KEY, of constant bytes, beside as many others as are wanted, and decides nothing. It is mounted with
// the flags of cofferd and answers with cofferd's timeouts (long for directories, none for a KEY unless names
// are fast, none for attributes; direct_io, noflush), and its workers run the same loop; so the kernel sends
// both the same requests, and what is left between the two is coffer's own work. Runs in the foreground until
// SIGTERM or SIGINT, then unmounts.
#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

// The node ids of "/", "/a", "/a/b", "/a/b/c" and "/a/b/c/KEY", and the name by which each knows the next.
// After them come KEY_0, KEY_1 and so on, which are in the same directory.
constexpr fuse_ino_t kDirectory = 4, kKey = 5, kFirst = 6;
constexpr std::array<std::string_view, 6> kNames = {"", "", "a", "b", "c", "KEY"};
constexpr double kLong = 3600.0;

struct Shown {
    std::string value;      // of every file
    fuse_ino_t others = 0;  // KEY_0 up to this number
    bool fast_names = false;
};

const Shown& shown_by(fuse_req_t request) {
    return *static_cast<const Shown*>(fuse_req_userdata(request));
}

void fill(fuse_req_t request, fuse_ino_t node, struct stat& attributes) {
    const fuse_ctx* context = fuse_req_ctx(request);
    attributes = {};
    attributes.st_ino = node;
    attributes.st_mode = node >= kKey ? S_IFREG | 0400 : S_IFDIR | 0500;
    attributes.st_nlink = node >= kKey ? 1 : 2;
    attributes.st_size = node >= kKey ? static_cast<off_t>(shown_by(request).value.size()) : 0;
    attributes.st_uid = context->uid;
    attributes.st_gid = context->gid;
}

void on_init(void*, fuse_conn_info* connection) {
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO |
                                               FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_SPLICE_READ);
    connection->want |= connection->capable & FUSE_CAP_PARALLEL_DIROPS;
    connection->max_background = 1024;
}

// 0 when there is none.
fuse_ino_t find(const Shown& shown, fuse_ino_t parent, std::string_view name) {
    if (parent >= kKey) return 0;
    if (kNames[parent + 1] == name) return parent + 1;
    if (parent != kDirectory || !name.starts_with("KEY_")) return 0;
    fuse_ino_t number = 0;
    auto [end, problem] = std::from_chars(name.data() + 4, name.data() + name.size(), number);
    const bool good = problem == std::errc() && end == name.data() + name.size() && number < shown.others;
    return good ? kFirst + number : 0;
}

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    const Shown& shown = shown_by(request);
    fuse_entry_param entry{};
    entry.ino = find(shown, parent, name);
    if (entry.ino == 0) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    entry.entry_timeout = entry.ino >= kKey && !shown.fast_names ? 0.0 : kLong;
    entry.attr_timeout = 0.0;
    fill(request, entry.ino, entry.attr);
    fuse_reply_entry(request, &entry);
}

void on_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
    struct stat attributes;
    fill(request, node, attributes);
    fuse_reply_attr(request, &attributes, 0.0);
}

void on_open(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
    file->direct_io = 1;
    file->noflush = 1;
    fuse_reply_open(request, file);
}

void on_read(fuse_req_t request, fuse_ino_t, std::size_t size, off_t offset, fuse_file_info*) {
    const std::string& value = shown_by(request).value;
    const std::size_t from = std::min(static_cast<std::size_t>(offset), value.size());
    fuse_reply_buf(request, value.data() + from, std::min(size, value.size() - from));
}

void on_release(fuse_req_t request, fuse_ino_t, fuse_file_info*) {
    fuse_reply_err(request, 0);
}

// The KEY and the others; cofferd's listing names "." and ".." too.
void on_readdir(fuse_req_t request, fuse_ino_t node, std::size_t size, off_t offset, fuse_file_info*) {
    std::vector<char> buffer(size);
    std::size_t used = 0;
    const auto add = [&](const char* name, fuse_ino_t child, off_t next) {
        struct stat attributes {};
        attributes.st_ino = child;
        attributes.st_mode = child >= kKey ? S_IFREG : S_IFDIR;
        const std::size_t need =
            fuse_add_direntry(request, buffer.data() + used, size - used, name, &attributes, next);
        if (need > size - used) return false;
        used += need;
        return true;
    };
    bool room = true;
    if (offset <= 0) room = add(".", node, 1);
    if (room && offset <= 1) room = add("..", FUSE_ROOT_ID, 2);
    if (room && offset <= 2 && node < kKey) room = add(kNames[node + 1].data(), node + 1, 3);
    const fuse_ino_t count = node == kDirectory ? shown_by(request).others : 0;
    char name[32] = "KEY_";
    for (auto i = static_cast<fuse_ino_t>(std::max<off_t>(offset - 3, 0)); room && i < count; ++i) {
        *std::to_chars(name + 4, name + sizeof name - 1, i).ptr = '\0';
        room = add(name, kFirst + i, static_cast<off_t>(i + 4));
    }
    fuse_reply_buf(request, buffer.data(), used);
}

void serve(fuse_session* session) {
    const sched_param none{};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);  // as cofferd's
    fuse_buf buffer{};
    while (!fuse_session_exited(session)) {
        int received = fuse_session_receive_buf(session, &buffer);
        if (received == -EINTR) continue;
        if (received <= 0) break;  // unmounted
        fuse_session_process_buf(session, &buffer);
    }
    free(buffer.mem);  // libfuse allocated it with malloc
}

int run(const char* mount_point, Shown shown, unsigned threads) {
    fuse_lowlevel_ops operations{};
    operations.init = on_init;
    operations.lookup = on_lookup;
    operations.getattr = on_getattr;
    operations.open = on_open;
    operations.read = on_read;
    operations.release = on_release;
    operations.readdir = on_readdir;

    char program[] = "null_fs", dash_o[] = "-o",
         options[] = "allow_other,nosuid,nodev,noexec,fsname=null,subtype=null";
    char* arguments[] = {program, dash_o, options, nullptr};
    fuse_args args = FUSE_ARGS_INIT(3, arguments);
    fuse_session* session = fuse_session_new(&args, &operations, sizeof operations, &shown);
    fuse_opt_free_args(&args);
    if (!session) return 1;
    if (fuse_session_mount(session, mount_point) != 0) {
        fuse_session_destroy(session);
        return 1;
    }

    // Signals are blocked in every thread and taken by this one alone.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::vector<std::thread> workers;
    for (unsigned i = 0; i < threads; ++i) workers.emplace_back(serve, session);
    int signal = 0;
    sigwait(&signals, &signal);
    fuse_session_exit(session);
    fuse_session_unmount(session);  // ends every worker's read with ENODEV
    for (std::thread& worker : workers) worker.join();
    fuse_session_destroy(session);
    return 0;
}

}  // namespace

int main(int argc, char** argv) try {
    CLI::App app{"Shows a/b/c/KEY, which anybody may read and which says nothing"};
    Shown shown;
    std::string mount_point;
    std::size_t size = 32;
    app.add_option("mount", mount_point, "an empty directory")->required();
    app.add_flag("--fast-names", shown.fast_names, "let the kernel keep names");
    app.add_option("--size", size, "bytes of a file");
    app.add_option("--names", shown.others, "how many files KEY_N there are beside KEY");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    shown.value.assign(size, 'x');
    return run(mount_point.c_str(), std::move(shown), std::max(1U, std::thread::hardware_concurrency()));
} catch (const std::exception& error) {
    std::fprintf(stderr, "null_fs: %s\n", error.what());
    return 1;
}
