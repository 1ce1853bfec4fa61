// SPDX-License-Identifier: Apache-2.0
//
// Daemons that end, die and follow each other on a mount that coffer-mount holds.
#include <dirent.h>
#include <linux/fuse.h>
#include <sys/stat.h>
#include <termios.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "hold/fuse_wire.h"
#include "hold/hand_over.h"
#include "support/held_client.h"
#include "support/mounted_store.h"
#include "support/readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

bool says(const MountedStore& mounted, std::string_view text) {
    return soon([&] { return file_text(mounted.holder->log_file()).find(text) != std::string::npos; });
}

int open_path(const std::filesystem::path& path) {
    return open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

// A terminal in place of /dev/fuse: the one character device of which a test can read what was written there.
struct Terminal {
    Terminal() {
        REQUIRE(unlockpt(kernel.get()) == 0);
        device = Descriptor(open(ptsname(kernel.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
        termios settings{};
        REQUIRE(tcgetattr(device.get(), &settings) == 0);
        cfmakeraw(&settings);
        REQUIRE(tcsetattr(device.get(), TCSANOW, &settings) == 0);
    }
    template <class Message>
    Message next() const {
        Message out{};
        auto* bytes = reinterpret_cast<char*>(&out);
        for (std::size_t have = 0; have < sizeof out;) {
            const ssize_t size = read(kernel.get(), bytes + have, sizeof out - have);
            REQUIRE(size > 0);
            have += static_cast<std::size_t>(size);
        }
        return out;
    }
    Descriptor kernel{posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)}, device;
};

void kill_and_start(MountedStore& mounted) {
    mounted.kill_daemon();
    mounted.start();
}

}  // namespace

TEST_CASE("a daemon that stops leaves the mount, and the next one serves on") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "value");
    mounted.hold();
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
    mounted.stop();
    CHECK(mounted.is_mounted());
    CHECK(says(mounted, "every request is answered"));
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
    CHECK(read_as(kBob, mounted.path(kKey)).error == ENOENT);
    mounted.stop();
    CHECK(mounted.holder->stop() == 0);
    CHECK_FALSE(mounted.is_mounted());
}

TEST_CASE("no read fails while daemons are killed, stopped and followed by others") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "first");
    mounted.hold();
    mounted.start();
    Readers readers(8, kAlice, mounted.path(kKey), {"first", "second"});
    REQUIRE(soon([&] { return readers.counts().good > 100; }));
    // Until a request was caught in the middle, which the audit log tells; eight readers take few rounds.
    int rounds = 0;
    for (; rounds < 50 && (rounds < 6 || mounted.audit_lines({R"("resent":true)"}) == 0); ++rounds) {
        if (rounds == 3) mounted.set(kKey, "second");
        const std::uint64_t before = readers.counts().good;
        if (rounds % 3 == 2)
            mounted.stop();
        else
            mounted.kill_daemon();
        mounted.start();
        REQUIRE(soon([&] { return readers.counts().good > before + 100; }));
    }
    CHECK(mounted.audit_lines({R"("resent":true)", R"("decision":"allow")"}) > 0);
    CHECK(readers.stop() == 0);
    INFO("the last errno " << readers.counts().last_error);
    CHECK(readers.counts().failed == 0);
    CHECK(readers.counts().wrong == 0);
    WARN(rounds << " changes of daemon, " << readers.counts().good << " reads, the longest "
                << readers.counts().longest_ns / 1000000 << " ms");
    mounted.stop();
}

TEST_CASE("a file that was opened before goes on showing its version after the daemon's death") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    const std::string large(200000, 'l');
    mounted.set(kKey, "old value");
    mounted.set("acme/checkout/production/LARGE", large);
    mounted.set("acme/*/*/WIDE", "wide");
    mounted.hold();
    mounted.start();
    auto rest_of = [](int fd) {
        struct stat status {};
        if (fstat(fd, &status) != 0) return failed();
        return read_all(fd);
    };
    for (const auto& one : {std::pair<std::string, std::string>{kKey, "old value"},
                            {"acme/checkout/production/LARGE", large},
                            {"acme/checkout/production/WIDE", "wide"}}) {
        const auto& key = one.first;
        const auto& value = one.second;
        INFO(key);
        const Outcome seen = across(
            kAlice,
            [&] {
                const int fd = open_path(mounted.path(key));
                char byte = 0;
                return read(fd, &byte, 1) == 1 && byte == value[0] ? fd : -1;
            },
            rest_of,
            [&] {
                kill_and_start(mounted);
                mounted.set(kKey, "new value");
                REQUIRE(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == "new value"; }));
                kill_and_start(mounted);
            });
        CHECK(seen.text == value.substr(1));
        mounted.set(kKey, "old value");
        REQUIRE(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == "old value"; }));
    }
    // One read through the handle, its close, and then its slot is another's.
    CHECK(nlohmann::json::parse(read_as(kRoot, mounted.path(".coffer/status.json")).text)["open_files"] <= 1);
    mounted.stop();
}

TEST_CASE("a handle of an earlier daemon gives nothing that the present policy or store refuses") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.hold();
    mounted.set(kKey, "value");
    mounted.start();
    auto open_key = [&] { return open_path(mounted.path(kKey)); };
    CHECK(across(kAlice, open_key, read_all, [&] {
              mounted.kill_daemon();
              mounted.remove(kKey);
              mounted.set(kKey, "another");
              mounted.start();
          }).error == EKEYREVOKED);
    CHECK(across(kAlice, open_key, read_all, [&] {
              mounted.kill_daemon();
              mounted.write_policy(allow(kBob, "acme/**"));
              mounted.start();
          }).error == EACCES);
    mounted.write_policy(allow(kAlice, "acme/**"));
    mounted.signal(SIGHUP);
    REQUIRE(soon([&] { return read_as(kAlice, mounted.path(kKey)).good(); }));
    // Another's process reads through it.
    CHECK(across(
              kAlice, open_key, [](int fd) { return read_all(fd).good() ? Outcome{} : failed(); },
              [&] { kill_and_start(mounted); })
              .good());
    CHECK(across(
              kRoot,
              [&] {
                  if (setresuid(static_cast<uid_t>(-1), kAlice.uid, 0) != 0) return -1;
                  const int fd = open_key();
                  return setresuid(static_cast<uid_t>(-1), 0, 0) == 0 ? fd : -1;
              },
              read_all, [&] { kill_and_start(mounted); })
              .error == EACCES);
    mounted.stop();
}

TEST_CASE("what a rule lets others inherit they may read after the daemon's death") {
    MountedStore mounted(allow(kAlice, "acme/**", "inherit = true"));
    mounted.set(kKey, "value");
    mounted.hold();
    mounted.start();
    auto open_as_alice = [&] {
        if (setresuid(static_cast<uid_t>(-1), kAlice.uid, 0) != 0) return -1;
        const int fd = open_path(mounted.path(kKey));
        return setresuid(static_cast<uid_t>(-1), 0, 0) == 0 ? fd : -1;
    };
    CHECK(across(kRoot, open_as_alice, read_all, [&] { kill_and_start(mounted); }).text == "value");
    CHECK(across(kRoot, open_as_alice, read_all, [&] {
              mounted.kill_daemon();
              mounted.write_policy(allow(kAlice, "acme/**"));
              mounted.start();
          }).error == EACCES);
    mounted.stop();
}

TEST_CASE("a listing that one daemon begins another ends, with nothing missing and nothing twice") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    std::set<std::string> expected;
    for (int i = 0; i < 600; ++i) {
        const std::string name = concat("KEY_", i, "_WITH_A_NAME_LONG_ENOUGH_TO_FILL_SEVERAL_BUFFERS");
        mounted.set(concat("acme/checkout/production/", name), "x");
        expected.insert(name);
    }
    mounted.hold();
    mounted.start();
    DIR* folder = nullptr;
    std::string names;
    auto take = [&](int most) {
        for (dirent* one = nullptr; most-- > 0 && (one = readdir(folder));)
            if (one->d_name[0] != '.') names += concat(one->d_name, '\n');
    };
    const Outcome seen = across(
        kAlice,
        [&] {
            folder = opendir(mounted.path("acme/checkout/production").c_str());
            if (folder) take(5);
            return folder ? 1 : -1;
        },
        [&](int) {
            take(100000);
            return Outcome{0, names};
        },
        [&] { kill_and_start(mounted); });
    std::multiset<std::string> listed;
    std::istringstream lines(seen.text);
    for (std::string line; std::getline(lines, line);) listed.insert(line);
    CHECK(listed == std::multiset<std::string>(expected.begin(), expected.end()));
    mounted.stop();
}

TEST_CASE("without a daemon callers wait for the grace period, then get ENOTCONN, until the next daemon") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "value");
    mounted.hold({"--grace", "1"});
    mounted.start();
    auto open_key = [&] { return open_path(mounted.path(kKey)); };
    const Outcome held_open = across(kAlice, open_key, read_all, [&] {
        mounted.kill_daemon();
        CHECK(read_as(kAlice, mounted.path(kKey)).error == ENOTCONN);
        CHECK(read_as(kAlice, mounted.path(kKey)).error == ENOTCONN);
        CHECK(mounted.is_mounted());
        mounted.start();
        CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
    });
    CHECK(held_open.text == "value");
    mounted.stop();
    CHECK(read_as(kAlice, mounted.path(kKey)).error == ENOTCONN);
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
    mounted.stop();
}

TEST_CASE("callers that a dead daemon left waiting are told ENOTCONN when nobody follows") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "value");
    mounted.hold({"--grace", "1"});
    mounted.start();
    Readers readers(4, kAlice, mounted.path(kKey), {"value"});
    REQUIRE(soon([&] { return readers.counts().good > 100; }));
    mounted.kill_daemon();
    CHECK(soon([&] { return readers.counts().failed >= 4; }));
    CHECK(readers.counts().last_error == ENOTCONN);
    CHECK(readers.stop() == 0);
    CHECK(mounted.holder->stop() == 0);
}

TEST_CASE("where the kernel cannot send again a crash aborts, and the holder mounts afresh") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "value");
    mounted.hold({"--without-resend"});
    mounted.start();
    Readers readers(4, kAlice, mounted.path(kKey), {"value"});
    REQUIRE(soon([&] { return readers.counts().good > 100; }));
    SECTION("but not a daemon that ends in good order") {
        mounted.stop();
        mounted.start();
        const std::uint64_t before = readers.counts().good;
        CHECK(soon([&] { return readers.counts().good > before + 100; }));
        CHECK(readers.stop() == 0);
        CHECK(readers.counts().failed == 0);
        CHECK(file_text(mounted.holder->log_file()).find("afresh") == std::string::npos);
    }
    SECTION("a daemon that is killed") {
        mounted.kill_daemon();
        CHECK(says(mounted, "mounting afresh"));
        mounted.start();
        const std::uint64_t before = readers.counts().good;
        CHECK(soon([&] { return readers.counts().good > before + 100; }));
        CHECK(readers.stop() == 0);
    }
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
    mounted.stop();
    CHECK(mounted.holder->stop() == 0);
    CHECK_FALSE(mounted.is_mounted());
}

TEST_CASE("a mount that an earlier coffer-mount left is taken off without a look into it") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "value");
    mounted.hold();
    mounted.start();
    mounted.holder->kill();
    // The daemon sees that and ends, and what was mounted answers nobody any more.
    mounted.wait_for_end(1);
    CHECK(mounted.is_mounted());
    mounted.holder->start();
    mounted.start();
    CHECK(says(mounted, "an earlier coffer-mount left"));
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
    mounted.stop();
}

TEST_CASE("coffer-mount hands nothing to other users, and takes nothing from them") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "value");
    mounted.hold();
    const auto socket_path = mounted.holder->socket();
    std::filesystem::permissions(socket_path, std::filesystem::perms(0666));
    CHECK(as(kBob, [&] {
              const int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
              sockaddr_un address{};
              address.sun_family = AF_UNIX;
              std::memcpy(address.sun_path, socket_path.c_str(), socket_path.native().size() + 1);
              if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return failed();
              (void)!send(fd, "drained", 7, MSG_NOSIGNAL);
              char text[64];
              return Outcome{0, recv(fd, text, sizeof text, 0) > 0 ? "taken" : ""};
          }).text.empty());
    CHECK(says(mounted, "refused to uid 60002"));
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
    mounted.stop();
}

TEST_CASE("what coffer-mount answers to INIT is what cofferd and libfuse answer to the same") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    struct {
        fuse_in_header header;
        fuse_init_in init;
    } request{};
    request.header.len = sizeof request;
    request.header.opcode = FUSE_INIT;
    request.header.unique = 2;
    request.init.major = FUSE_KERNEL_VERSION;
    request.init.minor = 45;
    request.init.max_readahead = 131072;
    request.init.flags = request.init.flags2 = 0xffffffff;  // a kernel that offers everything
    struct Reply {
        fuse_out_header header;
        fuse_init_out init;
    };

    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    Descriptor kernel(pair[0]), device(pair[1]);
    REQUIRE(write(kernel.get(), &request, sizeof request) == sizeof request);
    auto init = must(answer_init(device.get()));
    CHECK(can_resend(init));
    Reply by_holder{};
    REQUIRE(read(kernel.get(), &by_holder, sizeof by_holder) == sizeof by_holder);

    mounted.holder.emplace(mounted.made.folder.path(), mounted.mount());
    mounted.spawn();
    const int connection = mounted.holder->accept();
    REQUIRE(connection >= 0);
    HandOver record;
    record.init_size = static_cast<std::uint32_t>(init.size());
    std::ranges::copy(init, record.init.begin());
    const std::string path = mounted.mount();
    std::ranges::copy(path, record.path.begin());
    record.can_resend = 1;
    const Terminal terminal;
    REQUIRE(send_hand_over(connection, record, terminal.device.get()));
    auto by_daemon = terminal.next<Reply>();
    // FUSE_NOTIFY_RESEND, after INIT and before anything else.
    CHECK(terminal.next<fuse_out_header>().error == 7);

    CHECK(by_holder.header.unique == 2);
    CHECK(by_daemon.header.unique == 1ull << 62);  // which the kernel gives to no request
    CHECK(by_holder.init.minor == by_daemon.init.minor);
    by_daemon.init.flags |= FUSE_PARALLEL_DIROPS;  // which libfuse 3.14 does not pass on
    CHECK(by_holder.init.flags == by_daemon.init.flags);
    CHECK(std::memcmp(&by_holder.init, &by_daemon.init, sizeof by_daemon.init) == 0);
    mounted.kill_daemon();
    close(connection);
}

TEST_CASE("a second daemon is refused, and the first one serves on") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "value");
    mounted.hold();
    mounted.start();
    const pid_t first = mounted.daemon();
    CHECK(mounted.start_refused() == 1);
    CHECK(mounted.log().find("is being written by another process") != std::string::npos);
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
    kill(first, SIGTERM);
    waitpid(first, nullptr, 0);
}
