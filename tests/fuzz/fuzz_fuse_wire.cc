// SPDX-License-Identifier: Apache-2.0
//
// The bytes that coffer-mount and cofferd read themselves: of the kernel, and of each other. The first byte
// says which: the first request of a mount, requests while no daemon serves, or a hand-over. Properties: INIT
// is answered with one reply of its number and no flag that was not offered, anything else with none; a
// request is refused under its own number, once, and what nobody waits for not at all; a hand-over is taken
// whole or not at all; and no descriptor is left over.
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "base/socket_address.h"
#include "hold/fuse_wire.h"
#include "require.h"
#include "serve/held_mount.h"
#include "support/temp_folder.h"

using namespace coffer;

namespace {

struct Pair {
    Pair() {
        int ends[2];
        require(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0,
                "two ends");
        kernel = Descriptor(ends[0]);
        device = Descriptor(ends[1]);
    }
    void ask(ByteView bytes) const {
        require(::write(kernel.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
                "asked");
    }
    [[nodiscard]] Bytes answer() const {
        Bytes out(4096);
        const ssize_t size = ::read(kernel.get(), out.data(), out.size());
        out.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        return out;
    }
    Descriptor kernel, device;
};

template <class Struct>
Struct front_of(ByteView bytes) {
    Struct out{};
    if (!bytes.empty()) std::memcpy(&out, bytes.data(), std::min(sizeof out, bytes.size()));
    return out;
}

struct InitMessage {
    fuse_in_header header;
    fuse_init_in init;
};

void read_init(ByteView bytes) {
    const Pair pair;
    pair.ask(bytes);
    auto init = answer_init(pair.device.get());
    const Bytes answer = pair.answer();
    const auto asked = front_of<InitMessage>(bytes);
    const bool good = bytes.size() >= sizeof asked.header && asked.header.opcode == FUSE_INIT &&
                      asked.init.major == 7 && asked.init.minor >= 31;
    require(init.has_value() == good, "what is no INIT of protocol 7.31 or later is refused");
    require(good == !answer.empty() && pair.answer().empty(),
            "INIT has one answer, and nothing else has one");
    if (!good) return;
    require(std::ranges::equal(*init, bytes), "INIT is kept as it came");
    struct {
        fuse_out_header header;
        fuse_init_out init;
    } reply{};
    require(answer.size() == sizeof reply, "the answer has its size");
    std::memcpy(&reply, answer.data(), sizeof reply);
    require(reply.header.len == answer.size() && reply.header.error == 0 &&
                reply.header.unique == asked.header.unique,
            "the answer is to what was asked");
    require((reply.init.flags & ~asked.init.flags) == 0, "only what is offered is taken");
    if (can_resend(*init)) require(bytes.size() >= sizeof asked, "bits that are not there are not set");
}

void refuse(ByteView bytes) {
    static Bytes buffer(kRequestBuffer);
    const Pair pair;
    pair.ask(bytes);
    auto refused = refuse_one(pair.device.get(), buffer);
    const Bytes answer = pair.answer();
    require(refused.has_value() == (bytes.size() >= sizeof(fuse_in_header)), "half a header is the end");
    const auto asked = front_of<fuse_in_header>(bytes);
    const bool waits = refused && asked.opcode != FUSE_FORGET && asked.opcode != FUSE_BATCH_FORGET &&
                       asked.opcode != FUSE_INTERRUPT;
    require(waits == !answer.empty() && pair.answer().empty(), "who waits is answered once, and nobody else");
    if (!waits) return;
    const auto reply = front_of<fuse_out_header>(answer);
    require(answer.size() == sizeof reply && reply.len == sizeof reply && reply.error == -ENOTCONN &&
                reply.unique == asked.unique,
            "the refusal is of what was asked");
}

// The end of coffer-mount, in a thread of its own, since whoever takes a mount waits.
class Giver {
  public:
    Giver() {
        auto address = socket_address(path_);
        require(
            address &&
                ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0 &&
                ::listen(listener_.get(), 1) == 0,
            "a socket");
    }
    Result<HeldMount> take(ByteView bytes, std::size_t descriptors) {
        Descriptor connection;
        std::thread giver([&] {
            connection = Descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            give(connection.get(), bytes, descriptors);
        });
        auto taken = HeldMount::take(path_);
        giver.join();
        return taken;
    }

  private:
    void give(int connection, ByteView bytes, std::size_t descriptors) const {
        iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
        alignas(cmsghdr) char control[CMSG_SPACE(3 * sizeof(int))] = {};
        msghdr header{};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        if (descriptors > 0) {
            header.msg_control = control;
            header.msg_controllen = CMSG_SPACE(descriptors * sizeof(int));
            cmsghdr* passed = CMSG_FIRSTHDR(&header);
            passed->cmsg_level = SOL_SOCKET;
            passed->cmsg_type = SCM_RIGHTS;
            passed->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
            for (std::size_t i = 0; i < descriptors; ++i) {
                const int device = device_.get();
                std::memcpy(CMSG_DATA(passed) + i * sizeof device, &device, sizeof device);
            }
        }
        require(::sendmsg(connection, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()), "sent");
    }
    test::TempFolder folder_;
    std::filesystem::path path_ = folder_ / "mount.sock";
    Descriptor listener_{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    Descriptor device_{::open("/dev/zero", O_RDWR | O_CLOEXEC)};
};

Giver& giver() {
    static Giver one;
    return one;
}

int lowest_free_descriptor() {
    return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get();
}

// The fuzzer's bytes over a record that is right, from some place on, or as they are.
void hand_over(ByteView bytes) {
    if (bytes.size() < 4) return;
    const std::size_t descriptors = bytes[0] % 4;
    const bool over_good = bytes[0] & 4;
    const std::size_t at = bytes[1] | std::size_t{bytes[2]} << 8;
    bytes = bytes.subspan(3);
    Bytes packet(bytes.begin(), bytes.end());
    if (over_good) {
        HandOver record;
        std::ranges::copy(std::string_view("/run/coffer"), record.path.begin());
        packet.resize(sizeof record);
        std::memcpy(packet.data(), &record, sizeof record);
        for (std::size_t i = 0; i < bytes.size() && at + i < packet.size(); ++i) packet[at + i] = bytes[i];
    }
    auto taken = giver().take(packet, descriptors);
    const auto sent = front_of<HandOver>(packet);
    const bool good = packet.size() == sizeof sent && sent.magic == HandOver::kMagic &&
                      sent.version == HandOver::kVersion && sent.init_size <= sent.init.size() &&
                      sent.path.front() == '/' && sent.path.back() == '\0' && descriptors == 1;
    require(taken.has_value() == good, "a hand-over is taken whole or not at all");
    if (!taken) return;
    require(taken->path().native().size() < sent.path.size(), "its path ends");
    require(static_cast<bool>(taken->take_device()), "the descriptor came with it");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const ByteView rest = ByteView(data, size).subspan(1);
    (void)giver();
    const int before = lowest_free_descriptor();
    if (data[0] == 'i') read_init(rest);
    if (data[0] == 'r') refuse(rest);
    if (data[0] == 'h') hand_over(rest);
    require(lowest_free_descriptor() == before, "no descriptor is left over");
    return 0;
}
