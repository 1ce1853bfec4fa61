// SPDX-License-Identifier: Apache-2.0
#include "base/supervisor.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>

#include "support/catch.h"
#include "support/in_child.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::in_child;

namespace {

// As systemd passes them: from 3 on, without close-on-exec. In a child, whose own they are.
void pass_two_descriptors(const char* names) {
    Descriptor one(open("/dev/null", O_RDONLY | O_CLOEXEC)), two(open("/dev/zero", O_RDONLY | O_CLOEXEC));
    const int high_one = fcntl(one.get(), F_DUPFD, 50), high_two = fcntl(two.get(), F_DUPFD, 50);
    dup2(high_one, 3);
    dup2(high_two, 4);
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "2", 1);
    if (names) setenv("LISTEN_FDNAMES", names, 1);
    (void)one.release();  // may have been 3 or 4
    (void)two.release();
}

}  // namespace

TEST_CASE("descriptors that the service manager passes come with their names, once") {
    CHECK(in_child([] {
              pass_two_descriptors("first:second");
              auto passed = take_passed_descriptors();
              if (passed.size() != 2) return 1;
              if (passed[0].name != "first" || passed[1].name != "second") return 2;
              if (passed[0].descriptor.get() != 3 || passed[1].descriptor.get() != 4) return 3;
              if (!(fcntl(3, F_GETFD) & FD_CLOEXEC)) return 4;
              if (getenv("LISTEN_FDS")) return 5;
              return take_passed_descriptors().empty() ? 0 : 6;
          }) == 0);
    CHECK(in_child([] {
              pass_two_descriptors(nullptr);
              auto passed = take_passed_descriptors();
              return passed.size() == 2 && passed[0].name == "unknown" ? 0 : 1;
          }) == 0);
}

TEST_CASE("descriptors that were passed to another process are left alone") {
    CHECK(in_child([] {
              pass_two_descriptors("first:second");
              setenv("LISTEN_PID", "1", 1);
              return take_passed_descriptors().empty() ? 0 : 1;
          }) == 0);
}

TEST_CASE("the service manager is told by a datagram, and nobody where there is none") {
    test::TempFolder folder;
    const std::string path = (folder / "notify").string();
    Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    REQUIRE(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(in_child([&] {
              setenv("NOTIFY_SOCKET", path.c_str(), 1);
              return notify_supervisor("READY=1\nSTATUS=serving") ? 0 : 1;
          }) == 0);
    char text[64] = {};
    REQUIRE(recv(socket.get(), text, sizeof text, MSG_DONTWAIT) > 0);
    CHECK(std::string(text) == "READY=1\nSTATUS=serving");
    CHECK(in_child([] {
              unsetenv("NOTIFY_SOCKET");
              return notify_supervisor("READY=1") ? 0 : 1;
          }) == 0);
    CHECK(in_child([] {
              setenv("NOTIFY_SOCKET", "relative", 1);
              return notify_supervisor("READY=1") ? 1 : 0;
          }) == 0);
}

TEST_CASE("the watchdog's limit is this process's own") {
    auto with = [](const char* pid, const char* microseconds) {
        return in_child([&] {
            if (pid) setenv("WATCHDOG_PID", pid, 1);
            setenv("WATCHDOG_USEC", microseconds, 1);
            auto limit = watchdog_limit();
            return limit ? static_cast<int>(limit->count() / 1000) : 255;
        });
    };
    CHECK(with(nullptr, "20000") == 20);
    CHECK(with("1", "20000") == 255);
    CHECK(with(nullptr, "0") == 255);
    CHECK(with(nullptr, "often") == 255);
}
