// SPDX-License-Identifier: Apache-2.0
#include "hold/hand_over.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <future>

#include "base/bytes.h"
#include "serve/held_mount.h"
#include "support/catch.h"
#include "support/temp_folder.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// What stands for /dev/fuse where nothing is read from it: also a character device.
constexpr const char* kDevice = "/dev/zero";

Descriptor open_file(const char* path) {
    Descriptor file(::open(path, O_RDWR | O_CLOEXEC));
    REQUIRE(file);
    return file;
}

std::ptrdiff_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
}

HandOver some_record() {
    HandOver record;
    const std::string_view path = "/run/coffer";
    std::ranges::copy(path, record.path.begin());
    record.init_size = 104;
    for (std::size_t i = 0; i < record.init_size; ++i) record.init[i] = static_cast<std::uint8_t>(i + 1);
    record.can_resend = 1;
    return record;
}

// The end of coffer-mount, which a HeldMount connects to.
class Giver {
  public:
    Giver() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path_.c_str(), path_.native().size() + 1);
        REQUIRE(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_.get(), 1) == 0);
    }
    // What the daemon makes of what `give` sends.
    template <class Give>
    Result<HeldMount> take(Give give) {
        auto taken = std::async(std::launch::async, [this] { return HeldMount::take(path_); });
        connection_ = Descriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        give(connection_.get());
        return taken.get();
    }
    // As take(), for any bytes with any descriptors.
    Result<HeldMount> take_packet(ByteView bytes, const std::vector<int>& descriptors) {
        return take([&](int connection) {
            iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
            std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
            msghdr header{};
            header.msg_iov = &part;
            header.msg_iovlen = 1;
            if (!descriptors.empty()) {
                header.msg_control = control.data();
                header.msg_controllen = control.size();
                cmsghdr* passed = CMSG_FIRSTHDR(&header);
                passed->cmsg_level = SOL_SOCKET;
                passed->cmsg_type = SCM_RIGHTS;
                passed->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
                std::memcpy(CMSG_DATA(passed), descriptors.data(), descriptors.size() * sizeof(int));
            }
            CHECK(::sendmsg(connection, &header, MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
        });
    }
    Result<HeldMount> take_record(const HandOver& record) {
        Descriptor device = open_file(kDevice);
        return take_packet(bytes_of(record), {device.get()});
    }
    static ByteView bytes_of(const HandOver& record) {
        return {reinterpret_cast<const std::uint8_t*>(&record), sizeof record};
    }
    [[nodiscard]] int connection() const { return connection_.get(); }

  private:
    TempFolder folder_;
    const std::filesystem::path path_ = folder_ / "socket";
    Descriptor listener_{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)}, connection_;
};

void check_refused(const Result<HeldMount>& taken, Code code, std::string_view says) {
    REQUIRE_FALSE(taken);
    INFO(taken.error().message);
    CHECK(taken.error().code == code);
    CHECK(taken.error().message.find(says) != std::string::npos);
}

}  // namespace

TEST_CASE("a hand-over comes out as it went in, with the same device") {
    Giver giver;
    Descriptor device = open_file(kDevice);
    const HandOver record = some_record();
    auto held = giver.take([&](int connection) {
        if (auto sent = send_hand_over(connection, record, device.get()); !sent) FAIL(sent.error().message);
    });
    REQUIRE(held);
    CHECK(std::memcmp(&held->record(), &record, sizeof record) == 0);
    CHECK(held->path() == "/run/coffer");
    struct stat sent {
    }, received{};
    Descriptor taken = held->take_device();
    REQUIRE(::fstat(device.get(), &sent) == 0);
    REQUIRE(::fstat(taken.get(), &received) == 0);
    CHECK(sent.st_rdev == received.st_rdev);
    CHECK(taken.get() != device.get());
    CHECK((::fcntl(taken.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("coffer-mount hears that a daemon has answered everything, and that it is gone") {
    Giver giver;
    {
        auto held = giver.take_record(some_record());
        REQUIRE(held);
        held->say_drained();
        std::array<char, 64> word{};
        const ssize_t size = ::recv(giver.connection(), word.data(), word.size(), 0);
        CHECK(std::string_view(word.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))) ==
              kDrained);
    }
    char byte = 0;
    CHECK(::recv(giver.connection(), &byte, 1, 0) == 0);
}

TEST_CASE("another version is told as one, however long its record is") {
    Giver giver;
    HandOver record = some_record();
    record.version = 2;
    Descriptor device = open_file(kDevice);
    check_refused(giver.take_record(record), Code::conflict, "version 2");
    check_refused(giver.take_packet(Giver::bytes_of(record).first(20), {device.get()}), Code::conflict,
                  "version 2");
    Bytes longer(Giver::bytes_of(record).begin(), Giver::bytes_of(record).end());
    longer.resize(longer.size() + 64);
    check_refused(giver.take_packet(longer, {device.get()}), Code::conflict, "version 2");

    // Half a version is none, and nobody else's record has one.
    check_refused(giver.take_packet(Giver::bytes_of(record).first(11), {device.get()}), Code::invalid,
                  "no hand-over");
    record.magic[7] = 'x';
    check_refused(giver.take_record(record), Code::invalid, "no hand-over");
}

TEST_CASE("a record that is too short, too long or not one is refused") {
    Giver giver;
    Descriptor device = open_file(kDevice);
    const HandOver good = some_record();
    const ByteView bytes = Giver::bytes_of(good);
    for (std::size_t size : {std::size_t{1}, std::size_t{11}, std::size_t{12}, bytes.size() - 1})
        check_refused(giver.take_packet(bytes.first(size), {device.get()}), Code::invalid, "no hand-over");
    Bytes longer(bytes.begin(), bytes.end());
    longer.push_back(0);
    check_refused(giver.take_packet(longer, {device.get()}), Code::invalid, "no hand-over");

    HandOver record = good;
    record.magic[0] = 'C';
    check_refused(giver.take_record(record), Code::invalid, "no hand-over");
    record = good;
    record.init_size = static_cast<std::uint32_t>(record.init.size()) + 1;
    check_refused(giver.take_record(record), Code::invalid, "no hand-over");
    record = good;
    record.path.fill('/');  // without an end
    check_refused(giver.take_record(record), Code::invalid, "no hand-over");
    record = good;
    record.path = {};
    check_refused(giver.take_record(record), Code::invalid, "no hand-over");
    CHECK(giver.take_record(good));
}

TEST_CASE("a hand-over comes with one descriptor, and what else comes is closed") {
    Giver giver;
    const HandOver record = some_record();
    Descriptor device = open_file(kDevice);
    check_refused(giver.take_packet(Giver::bytes_of(record), {}), Code::invalid, "descriptor");
    const auto before = open_descriptors();
    for (std::size_t count : {2u, 3u, 50u})
        check_refused(giver.take_packet(Giver::bytes_of(record), std::vector<int>(count, device.get())),
                      Code::invalid, "descriptor");
    CHECK(open_descriptors() == before);
}

TEST_CASE("a descriptor that cannot be /dev/fuse is refused") {
    Giver giver;
    TempFolder folder;
    const HandOver record = some_record();
    Descriptor file = open_file(folder.write("file", "").c_str());
    Descriptor directory(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    for (int wrong : {file.get(), directory.get(), socket.get()})
        check_refused(giver.take_packet(Giver::bytes_of(record), {wrong}), Code::invalid, "/dev/fuse");
}

TEST_CASE("a connection that ends without a hand-over says who may serve") {
    Giver giver;
    check_refused(giver.take([](int connection) { ::shutdown(connection, SHUT_RDWR); }), Code::not_allowed,
                  "--user");
    check_refused(HeldMount::take("/nowhere/socket"), Code::unavailable, "coffer-mount.service");
}
