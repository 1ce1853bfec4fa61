// SPDX-License-Identifier: Apache-2.0
#include "hold/fuse_wire.h"

#include <linux/fuse.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstring>

#include "base/descriptor.h"

namespace coffer {
namespace {

// Younger than the linux/fuse.h of Debian 12.
constexpr int kNotifyResend = 7, kNotifyIncEpoch = 8;
constexpr std::uint64_t kHasResend = 1ull << 39;

constexpr std::uint32_t kMaxWrite = 1u << 20;
constexpr std::uint16_t kPage = 4096;
// What cofferd and libfuse 3.14 agree on with the kernel where they mount for themselves (fuse_ops.cc,
// on_init), in the version of the protocol that libfuse answers with. FUSE_PARALLEL_DIROPS is wanted there
// too, but libfuse 3.14 does not pass it on; it changes nothing between libfuse and the kernel.
constexpr std::uint32_t kMinor = 31;
constexpr std::uint32_t kFlags = FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |
                                 FUSE_AUTO_INVAL_DATA | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |
                                 FUSE_MAX_PAGES | FUSE_INIT_EXT;

struct InitRequest {
    fuse_in_header header;
    fuse_init_in init;
};
struct InitReply {
    fuse_out_header header;
    fuse_init_out init;
};

Result<void> notify(int device, int code, std::string_view name) {
    fuse_out_header header{};
    header.len = sizeof header;
    header.error = code;
    if (::write(device, &header, sizeof header) == sizeof header) return {};
    return fail(Code::unavailable, "the kernel does not take ", name, ": ", errno_text());
}

}  // namespace

Result<std::vector<std::uint8_t>> answer_init(int device) {
    std::vector<std::uint8_t> request(kRequestBuffer);
    const ssize_t size = ::read(device, request.data(), request.size());
    InitRequest asked{};
    if (size < static_cast<ssize_t>(sizeof asked.header))
        return fail(Code::failed, "reading INIT from /dev/fuse: ", size < 0 ? errno_text() : "too short");
    request.resize(static_cast<std::size_t>(size));
    std::memcpy(&asked, request.data(), std::min(request.size(), sizeof asked));
    if (asked.header.opcode != FUSE_INIT || asked.init.major != FUSE_KERNEL_VERSION ||
        asked.init.minor < kMinor)
        return fail(Code::failed, "the kernel speaks FUSE ", asked.init.major, '.', asked.init.minor,
                    "; needed is ", FUSE_KERNEL_VERSION, '.', kMinor, " (Linux 5.4)");
    InitReply reply{};
    reply.header.len = sizeof reply;
    reply.header.unique = asked.header.unique;
    reply.init.major = FUSE_KERNEL_VERSION;
    reply.init.minor = kMinor;
    reply.init.max_readahead = asked.init.max_readahead;
    reply.init.flags = asked.init.flags & kFlags;
    reply.init.max_background = kMaxBackground;
    reply.init.congestion_threshold = kMaxBackground * 3 / 4;  // as libfuse has it
    reply.init.max_write = kMaxWrite;
    reply.init.max_pages = kMaxWrite / kPage;
    reply.init.time_gran = 1;
    if (::write(device, &reply, sizeof reply) != sizeof reply)
        return fail(Code::failed, "answering INIT: ", errno_text());
    return request;
}

bool can_resend(std::span<const std::uint8_t> init) {
    InitRequest asked{};
    if (init.size() < sizeof asked) return false;  // before 7.36, which has no flags2
    std::memcpy(&asked, init.data(), sizeof asked);
    return (asked.init.flags & FUSE_INIT_EXT) && (asked.init.flags2 & (kHasResend >> 32));
}

Result<void> ask_to_resend(int device) {
    return notify(device, kNotifyResend, "FUSE_NOTIFY_RESEND");
}

Result<void> forget_names(int device) {
    return notify(device, kNotifyIncEpoch, "FUSE_NOTIFY_INC_EPOCH");
}

Result<void> refuse_one(int device, std::span<std::uint8_t> buffer) {
    const ssize_t size = ::read(device, buffer.data(), buffer.size());
    if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOENT)) return {};
    fuse_in_header asked{};
    if (size < static_cast<ssize_t>(sizeof asked))
        return fail(Code::unavailable, "the mount is gone: ", size < 0 ? errno_text() : "nothing to read");
    std::memcpy(&asked, buffer.data(), sizeof asked);
    if (asked.opcode == FUSE_FORGET || asked.opcode == FUSE_BATCH_FORGET || asked.opcode == FUSE_INTERRUPT)
        return {};  // nobody waits for an answer
    const fuse_out_header reply{sizeof reply, -ENOTCONN, asked.unique};
    (void)!::write(device, &reply, sizeof reply);  // ENOENT: the caller was killed meanwhile
    return {};
}

}  // namespace coffer
