// SPDX-License-Identifier: Apache-2.0
//
// Ring: an io_uring of one entry, by bare system calls; each call submits one request and waits for it.
#pragma once

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

namespace coffer::test {

class Ring {
  public:
    Ring() : fd_(static_cast<int>(syscall(SYS_io_uring_setup, 1, &parameters_))) { map(); }
    // The ring of another process, which has passed it on.
    Ring(int fd, const io_uring_params& parameters) : parameters_(parameters), fd_(fd) { map(); }
    ~Ring() {
        if (rings_ != MAP_FAILED) munmap(rings_, rings_size());
        if (entries_ != MAP_FAILED) munmap(entries_, sizeof(io_uring_sqe));
        close(fd_);
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // False where io_uring is not to be had.
    [[nodiscard]] bool usable() const { return fd_ >= 0 && rings_ != MAP_FAILED && entries_ != MAP_FAILED; }
    [[nodiscard]] int fd() const { return fd_; }
    [[nodiscard]] const io_uring_params& parameters() const { return parameters_; }

    // What the request gave: a count, or -errno.
    int run(const io_uring_sqe& request) {
        *static_cast<io_uring_sqe*>(entries_) = request;
        *word(parameters_.sq_off.array) = 0;
        std::atomic_ref<std::uint32_t> tail(*word(parameters_.sq_off.tail));
        tail.store(tail.load() + 1);
        if (syscall(SYS_io_uring_enter, fd_, 1, 1, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) return -errno;
        std::atomic_ref<std::uint32_t> head(*word(parameters_.cq_off.head));
        const std::uint32_t mask = *word(parameters_.cq_off.ring_mask);
        const auto* answers = reinterpret_cast<const io_uring_cqe*>(bytes() + parameters_.cq_off.cqes);
        const int result = answers[head.load() & mask].res;
        head.store(head.load() + 1);
        return result;
    }
    // The id of this process's credentials in the ring, or -1.
    [[nodiscard]] int lend_credentials() const {
        return static_cast<int>(syscall(SYS_io_uring_register, fd_, IORING_REGISTER_PERSONALITY, nullptr, 0));
    }

    static io_uring_sqe read_request(int file, void* buffer, unsigned size) {
        io_uring_sqe out{};
        out.opcode = IORING_OP_READ;
        out.fd = file;
        out.addr = reinterpret_cast<std::uintptr_t>(buffer);
        out.len = size;
        return out;
    }
    static io_uring_sqe open_request(const char* path) {
        io_uring_sqe out{};
        out.opcode = IORING_OP_OPENAT;
        out.fd = -100;  // AT_FDCWD
        out.addr = reinterpret_cast<std::uintptr_t>(path);
        return out;
    }
    static io_uring_sqe splice_request(int from, int to, unsigned size) {
        io_uring_sqe out{};
        out.opcode = IORING_OP_SPLICE;
        out.fd = to;
        out.off = ~std::uint64_t{0};  // a pipe has none
        out.splice_fd_in = from;
        out.splice_off_in = 0;
        out.len = size;
        return out;
    }

  private:
    void map() {
        if (fd_ < 0) return;
        rings_ = mmap(nullptr, rings_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, IORING_OFF_SQ_RING);
        entries_ =
            mmap(nullptr, sizeof(io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED, fd_, IORING_OFF_SQES);
    }
    // Both rings share one mapping since Linux 5.4 (IORING_FEAT_SINGLE_MMAP).
    [[nodiscard]] std::size_t rings_size() const {
        return parameters_.cq_off.cqes + parameters_.cq_entries * sizeof(io_uring_cqe);
    }
    [[nodiscard]] unsigned char* bytes() const { return static_cast<unsigned char*>(rings_); }
    [[nodiscard]] std::uint32_t* word(std::uint32_t at) const {
        return reinterpret_cast<std::uint32_t*>(bytes() + at);
    }

    io_uring_params parameters_{};
    int fd_;
    void* rings_ = MAP_FAILED;
    void* entries_ = MAP_FAILED;
};

}  // namespace coffer::test
