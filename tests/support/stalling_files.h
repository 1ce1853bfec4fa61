// SPDX-License-Identifier: Apache-2.0
//
// StallingFiles: a FUSE file system of one program, "program", whose server answers every request until it is
// told to stall, and from then on takes them and answers none: what a hostile user, or a dead network, makes
// of a file system. The kernel keeps no attribute and no name of it, so that each look asks the server. Its
// end frees whoever waits.
#pragma once

#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace coffer::test {

// What the server has seen since it stalled, in memory that all processes share.
struct Stall {
    static constexpr std::size_t kMost = 64;
    std::atomic<bool> begun;
    std::atomic<std::size_t> count;
    std::atomic<std::uint32_t> opcodes[kMost], askers[kMost];  // of the first ones
};

class StallingFiles {
  public:
    explicit StallingFiles(const std::filesystem::path& program) : content_(read_file(program)) {
        void* shared =
            mmap(nullptr, sizeof(Stall), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) throw std::runtime_error("mmap");
        stall_ = new (shared) Stall{};
    }
    ~StallingFiles() {
        end();
        munmap(stall_, sizeof(Stall));
    }
    StallingFiles(const StallingFiles&) = delete;
    StallingFiles& operator=(const StallingFiles&) = delete;

    // By whoever may mount here, in its namespaces; `device`: a node of /dev/fuse that it may open. `more`:
    // mount options. False with errno. The server is a child of the caller's.
    bool mount(const char* device, const std::filesystem::path& on, uid_t uid, const std::string& more = "") {
        const int fd = open(device, O_RDWR | O_CLOEXEC);
        if (fd < 0) return false;
        const std::string options = "fd=" + std::to_string(fd) +
                                    ",rootmode=40755,user_id=" + std::to_string(uid) +
                                    ",group_id=" + std::to_string(uid) + more;
        if (::mount("stalling", on.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) != 0) {
            const int error = errno;
            close(fd);
            errno = error;
            return false;
        }
        owner_ = uid;
        server_ = fork();
        if (server_ == 0) serve(fd);
        close(fd);
        return true;
    }
    void stall() { stall_->begun = true; }
    // Everybody who waits is told that the file system is gone.
    void end() {
        if (server_ <= 0) return;
        kill(server_, SIGKILL);
        waitpid(server_, nullptr, 0);
        server_ = -1;
    }
    [[nodiscard]] const Stall& seen() const { return *stall_; }

  private:
    static constexpr std::uint64_t kProgram = 2;

    static std::string read_file(const std::filesystem::path& path) {
        std::ifstream file(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }
    [[nodiscard]] fuse_attr attributes(std::uint64_t node) const {
        fuse_attr out{};
        out.ino = node;
        out.mode = node == kProgram ? 0100755 : 040755;
        out.size = node == kProgram ? content_.size() : 0;
        out.nlink = 1;
        out.uid = out.gid = owner_;
        out.blksize = 4096;
        return out;
    }
    template <class Body>
    static void reply(int fd, const fuse_in_header& to, const Body& body) {
        reply_bytes(fd, to, 0, {reinterpret_cast<const char*>(&body), sizeof body});
    }
    static void reply_bytes(int fd, const fuse_in_header& to, int error, std::string_view body) {
        fuse_out_header header{};
        header.len = static_cast<std::uint32_t>(sizeof header + body.size());
        header.error = error;
        header.unique = to.unique;
        std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
        bytes += body;
        (void)!write(fd, bytes.data(), bytes.size());
    }
    [[noreturn]] void serve(int fd) const {
        std::vector<char> request(1 << 20);
        for (;;) {
            const ssize_t size = read(fd, request.data(), request.size());
            if (size < 0 && (errno == EINTR || errno == EAGAIN || errno == ENOENT)) continue;
            if (size < static_cast<ssize_t>(sizeof(fuse_in_header))) _exit(0);
            fuse_in_header header{};
            std::memcpy(&header, request.data(), sizeof header);
            if (!stall_->begun)
                answer(fd, header, request.data() + sizeof header);
            else if (const std::size_t at = stall_->count++; at < Stall::kMost) {
                stall_->opcodes[at] = header.opcode;
                stall_->askers[at] = header.pid;
            }
        }
    }
    void answer(int fd, const fuse_in_header& to, const char* body) const {
        switch (to.opcode) {
            case FUSE_INIT: {
                fuse_init_in in{};
                std::memcpy(&in, body, 16);
                fuse_init_out out{};
                out.major = FUSE_KERNEL_VERSION;
                out.minor = FUSE_KERNEL_MINOR_VERSION;
                out.max_readahead = in.max_readahead;
                out.max_write = 4096;
                return reply(fd, to, out);
            }
            case FUSE_LOOKUP: {
                if (std::strcmp(body, "program") != 0) return reply_bytes(fd, to, -ENOENT, {});
                fuse_entry_out out{};
                out.nodeid = kProgram;
                out.attr = attributes(kProgram);
                return reply(fd, to, out);
            }
            case FUSE_GETATTR: {
                fuse_attr_out out{};
                out.attr = attributes(to.nodeid);
                return reply(fd, to, out);
            }
            case FUSE_OPEN:
            case FUSE_OPENDIR:
                return reply(fd, to, fuse_open_out{});
            case FUSE_READ: {
                fuse_read_in in{};
                std::memcpy(&in, body, sizeof in);
                const std::size_t from = std::min<std::size_t>(in.offset, content_.size());
                return reply_bytes(fd, to, 0, std::string_view(content_).substr(from, in.size));
            }
            case FUSE_STATFS:
                return reply(fd, to, fuse_statfs_out{});
            case FUSE_FORGET:
            case FUSE_BATCH_FORGET:
            case FUSE_INTERRUPT:
                return;
            default:
                return reply_bytes(fd, to, -ENOSYS, {});
        }
    }

    std::string content_;
    uid_t owner_ = 0;
    Stall* stall_ = nullptr;
    pid_t server_ = -1;
};

}  // namespace coffer::test
