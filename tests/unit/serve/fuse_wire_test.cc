// SPDX-License-Identifier: Apache-2.0
//
// The bytes that go to the kernel and come from it, as linux/fuse.h lays them out, on a socket in place of
// /dev/fuse. That a kernel takes them is for the mount tests.
#include "hold/fuse_wire.h"

#include <linux/fuse.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "support/catch.h"

using namespace coffer;

namespace {

using Message = std::vector<std::uint8_t>;

// Little by little, so that a test reads as the table of the bytes that are meant.
class Words {
  public:
    Words& u16(std::uint16_t value) { return add(value); }
    Words& u32(std::uint32_t value) { return add(value); }
    Words& u64(std::uint64_t value) { return add(value); }
    Words& zeros(std::size_t count) {
        bytes_.resize(bytes_.size() + count);
        return *this;
    }
    [[nodiscard]] Message message() const { return bytes_; }

  private:
    template <class Number>
    Words& add(Number value) {
        std::array<std::uint8_t, sizeof value> bytes{};
        std::memcpy(bytes.data(), &value, sizeof value);
        bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
        return *this;
    }
    Message bytes_;
};

// struct fuse_in_header: length, opcode, unique, node, uid, gid, pid, padding. Its 40 bytes, then `left`
// more.
Words request(std::uint32_t opcode, std::uint64_t unique, std::uint32_t left) {
    return Words().u32(40 + left).u32(opcode).u64(unique).u64(1).u32(1000).u32(1000).u32(4711).u32(0);
}

// INIT of a kernel: major, minor, max_readahead, flags; since 7.36 flags2 and 44 bytes of nothing.
Message init_request(std::uint32_t major, std::uint32_t minor, std::uint32_t flags, std::uint32_t flags2) {
    return request(26, 2, 64).u32(major).u32(minor).u32(131072).u32(flags).u32(flags2).zeros(44).message();
}

// A connection whose one end is taken for the device.
class Kernel {
  public:
    Kernel() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
        kernel_ = Descriptor(ends[0]);
        device_ = Descriptor(ends[1]);
    }
    [[nodiscard]] int device() const { return device_.get(); }
    void ask(const Message& message) const {
        REQUIRE(::write(kernel_.get(), message.data(), message.size()) ==
                static_cast<ssize_t>(message.size()));
    }
    // What was written to the device; empty: nothing.
    [[nodiscard]] Message answer() const {
        Message out(4096);
        const ssize_t size = ::read(kernel_.get(), out.data(), out.size());
        out.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        return out;
    }
    void hang_up() { kernel_.reset(); }

  private:
    Descriptor kernel_, device_;
};

constexpr std::uint32_t kEverything = 0xffffffff;

}  // namespace

TEST_CASE("INIT is answered with what was offered and is wanted, and nothing else") {
    Kernel kernel;
    const Message asked = init_request(7, 45, kEverything, kEverything);
    kernel.ask(asked);
    auto init = answer_init(kernel.device());
    REQUIRE(init);
    CHECK(*init == asked);
    // ASYNC_READ, ATOMIC_O_TRUNC, BIG_WRITES, AUTO_INVAL_DATA, ASYNC_DIO, PARALLEL_DIROPS, MAX_PAGES,
    // INIT_EXT
    const std::uint32_t wanted =
        1u << 0 | 1u << 3 | 1u << 5 | 1u << 12 | 1u << 15 | 1u << 18 | 1u << 22 | 1u << 30;
    CHECK(kernel.answer() == Words()
                                 .u32(80)  // its length
                                 .u32(0)   // no error
                                 .u64(2)   // the request's number
                                 .u32(7)
                                 .u32(31)
                                 .u32(131072)  // max_readahead, as offered
                                 .u32(wanted)
                                 .u16(1024)     // max_background
                                 .u16(768)      // congestion_threshold
                                 .u32(1 << 20)  // max_write
                                 .u32(1)        // time_gran, ns
                                 .u16(256)      // max_pages of 4096
                                 .u16(0)
                                 .u32(0)  // flags2
                                 .zeros(28)
                                 .message());
    CHECK(kernel.answer().empty());
}

TEST_CASE("a flag that the kernel does not offer is not taken") {
    Kernel kernel;
    kernel.ask(init_request(7, 31, 1u << 0 | 1u << 1, 0));
    REQUIRE(answer_init(kernel.device()));
    const Message answer = kernel.answer();
    REQUIRE(answer.size() == 80);
    std::uint32_t flags = 0;
    std::memcpy(&flags, answer.data() + 28, sizeof flags);
    CHECK(flags == 1u << 0);
}

TEST_CASE("the shorter INIT of a kernel before 7.36 is answered as well") {
    Kernel kernel;
    const Message asked = request(26, 2, 16).u32(7).u32(31).u32(131072).u32(kEverything).message();
    kernel.ask(asked);
    auto init = answer_init(kernel.device());
    REQUIRE(init);
    CHECK(*init == asked);
    CHECK(kernel.answer().size() == 80);
    CHECK_FALSE(can_resend(*init));
}

TEST_CASE("a first request that is no INIT, or of another protocol, is refused without an answer") {
    const Message wrong[] = {init_request(8, 31, 0, 0), init_request(7, 30, 0, 0),
                             request(1, 2, 64).u32(7).u32(45).zeros(56).message(),
                             request(26, 2, 0).message()};
    for (const Message& message : wrong) {
        Kernel kernel;
        kernel.ask(message);
        auto refused = answer_init(kernel.device());
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::failed);
        CHECK(refused.error().message.find("needed is 7.31") != std::string::npos);
        CHECK(kernel.answer().empty());
    }
    Kernel kernel;
    kernel.ask({1, 2, 3});
    CHECK_FALSE(answer_init(kernel.device()));
    kernel.hang_up();
    CHECK_FALSE(answer_init(kernel.device()));
}

TEST_CASE("a kernel can send again when it says so with bit 39 of its flags") {
    constexpr std::uint32_t kExtended = 1u << 30, kResend = 1u << 7;
    CHECK(can_resend(init_request(7, 40, kExtended, kResend)));
    CHECK_FALSE(can_resend(init_request(7, 40, kExtended, ~kResend)));
    CHECK_FALSE(can_resend(init_request(7, 40, ~kExtended, kResend)));  // then flags2 means nothing
    CHECK_FALSE(can_resend({}));
}

TEST_CASE("a notification is a header without a number, its code in the error's place") {
    Kernel kernel;
    REQUIRE(ask_to_resend(kernel.device()));
    CHECK(kernel.answer() == Words().u32(16).u32(7).u64(0).message());  // FUSE_NOTIFY_RESEND
    REQUIRE(forget_names(kernel.device()));
    CHECK(kernel.answer() == Words().u32(16).u32(8).u64(0).message());  // FUSE_NOTIFY_INC_EPOCH
    kernel.hang_up();
    for (auto notify : {ask_to_resend, forget_names}) {
        auto refused = notify(-1);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::unavailable);
    }
}

TEST_CASE("a request is refused with ENOTCONN under its own number, whatever follows its header") {
    Kernel kernel;
    Message buffer(kRequestBuffer);
    for (std::uint32_t opcode : {1u, 3u, 14u, 15u, 28u}) {  // LOOKUP, GETATTR, OPEN, READ, READDIR
        const std::uint64_t unique = 1ull << 63 | opcode;   // resent
        kernel.ask(request(opcode, unique, 100).zeros(100).message());
        REQUIRE(refuse_one(kernel.device(), buffer));
        CHECK(kernel.answer() ==
              Words().u32(16).u32(static_cast<std::uint32_t>(-ENOTCONN)).u64(unique).message());
        CHECK(kernel.answer().empty());
    }
}

TEST_CASE("what nobody waits for is taken and not answered") {
    Kernel kernel;
    Message buffer(kRequestBuffer);
    for (std::uint32_t opcode : {2u, 36u, 42u}) {  // FORGET, INTERRUPT, BATCH_FORGET
        kernel.ask(request(opcode, 6, 8).u64(1).message());
        REQUIRE(refuse_one(kernel.device(), buffer));
        CHECK(kernel.answer().empty());
    }
    // One at a time: the next one is still there.
    kernel.ask(request(2, 6, 8).u64(1).message());
    kernel.ask(request(1, 8, 0).message());
    REQUIRE(refuse_one(kernel.device(), buffer));
    CHECK(kernel.answer().empty());
    REQUIRE(refuse_one(kernel.device(), buffer));
    CHECK(kernel.answer().size() == 16);
}

TEST_CASE("nothing to refuse is no error, a mount that is gone is one") {
    Kernel kernel;
    Message buffer(kRequestBuffer);
    CHECK(refuse_one(kernel.device(), buffer));
    kernel.ask({1, 2, 3});
    CHECK_FALSE(refuse_one(kernel.device(), buffer));
    kernel.hang_up();
    auto gone = refuse_one(kernel.device(), buffer);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code == Code::unavailable);
}
