// SPDX-License-Identifier: Apache-2.0
//
// null_fs: the least that a FUSE file system can do, to measure coffer against. It shows one file,
// a/b/c/KEY, of 32 constant bytes, and decides nothing. It is mounted with the flags of cofferd and answers
// with cofferd's timeouts (long for directories, none for the KEY and for attributes, direct_io, noflush),
// and its workers run the same loop; so the kernel sends both the same requests, and what is left between the
// two is coffer's own work. Runs in the foreground until SIGTERM or SIGINT, then unmounts.
#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::string_view kValue = "0123456789abcdef0123456789abcdef";
// The node ids of "/", "/a", "/a/b", "/a/b/c" and "/a/b/c/KEY", and the name by which each knows the next.
constexpr fuse_ino_t kKey = 5;
constexpr std::array<std::string_view, 6> kNames = {"", "", "a", "b", "c", "KEY"};
constexpr double kLong = 3600.0;

void fill(fuse_req_t request, fuse_ino_t node, struct stat& attributes) {
    const fuse_ctx* context = fuse_req_ctx(request);
    attributes = {};
    attributes.st_ino = node;
    attributes.st_mode = node == kKey ? S_IFREG | 0400 : S_IFDIR | 0500;
    attributes.st_nlink = node == kKey ? 1 : 2;
    attributes.st_size = node == kKey ? static_cast<off_t>(kValue.size()) : 0;
    attributes.st_uid = context->uid;
    attributes.st_gid = context->gid;
}

void on_init(void*, fuse_conn_info* connection) {
    connection->want &= ~static_cast<unsigned>(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO);
}

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
    if (parent >= kKey || kNames[parent + 1] != name) {
        fuse_reply_err(request, ENOENT);
        return;
    }
    fuse_entry_param entry{};
    entry.ino = parent + 1;
    entry.entry_timeout = entry.ino == kKey ? 0.0 : kLong;
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
    std::size_t from = std::min(static_cast<std::size_t>(offset), kValue.size());
    fuse_reply_buf(request, kValue.data() + from, std::min(size, kValue.size() - from));
}

void on_release(fuse_req_t request, fuse_ino_t, fuse_file_info*) {
    fuse_reply_err(request, 0);
}

void serve(fuse_session* session) {
    fuse_buf buffer{};
    while (!fuse_session_exited(session)) {
        int received = fuse_session_receive_buf(session, &buffer);
        if (received == -EINTR) continue;
        if (received <= 0) break;  // unmounted
        fuse_session_process_buf(session, &buffer);
    }
    free(buffer.mem);  // libfuse allocated it with malloc
}

int run(const char* mount_point, unsigned threads) {
    fuse_lowlevel_ops operations{};
    operations.init = on_init;
    operations.lookup = on_lookup;
    operations.getattr = on_getattr;
    operations.open = on_open;
    operations.read = on_read;
    operations.release = on_release;

    char program[] = "null_fs", dash_o[] = "-o",
         options[] = "allow_other,nosuid,nodev,noexec,fsname=null,subtype=null";
    char* arguments[] = {program, dash_o, options, nullptr};
    fuse_args args = FUSE_ARGS_INIT(3, arguments);
    fuse_session* session = fuse_session_new(&args, &operations, sizeof operations, nullptr);
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

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: null_fs EMPTY_DIRECTORY\n");
        return 2;
    }
    return run(argv[1], std::max(1U, std::thread::hardware_concurrency()));
}
