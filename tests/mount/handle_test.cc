// SPDX-License-Identifier: Apache-2.0
//
// What an open file is good for: its own version, in the hands of those who may read it, until it is taken
// back.
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/wall_clock.h"
#include "support/mounted_store.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

// A client that opens the file, says so, waits for a line on its input and reads: 0 bytes in between.
class Holder {
  public:
    Holder(const Who& who, const std::filesystem::path& path) {
        REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_) == 0);
        child_ = fork();
        if (child_ == 0) {
            close(ends_[0]);
            if (!become(who)) _exit(1);
            serve(path);
            _exit(0);
        }
        close(ends_[1]);
        opened = answer();
    }
    ~Holder() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
        close(ends_[0]);
    }
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;

    Outcome read_again() {
        if (send(ends_[0], "r", 1, MSG_NOSIGNAL) != 1) return failed();
        return answer();
    }
    Outcome opened;

  private:
    void reply(const Outcome& outcome) const {
        std::string bytes(reinterpret_cast<const char*>(&outcome.error), sizeof outcome.error);
        bytes += outcome.text.substr(0, 32768);  // a message has its limit
        (void)send(ends_[1], bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    void serve(const std::filesystem::path& path) const {
        int fd = open(path.c_str(), O_RDONLY);
        reply(fd < 0 ? failed() : Outcome{});
        char order;
        while (recv(ends_[1], &order, 1, 0) == 1) {
            lseek(fd, 0, SEEK_SET);
            reply(read_all(fd));
        }
    }
    Outcome answer() const {
        pollfd wanted{ends_[0], POLLIN, 0};
        if (poll(&wanted, 1, kClientPatience) <= 0) return {kClientHung, {}};
        std::string bytes(65536, '\0');
        ssize_t size = recv(ends_[0], bytes.data(), bytes.size(), 0);
        if (size < static_cast<ssize_t>(sizeof(int))) return {kClientCrashed, {}};
        Outcome out;
        std::memcpy(&out.error, bytes.data(), sizeof out.error);
        out.text = bytes.substr(sizeof out.error, static_cast<std::size_t>(size) - sizeof out.error);
        return out;
    }
    int ends_[2] = {-1, -1};
    pid_t child_ = -1;
};

}  // namespace

TEST_CASE("an open file keeps its version when a newer one is put") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "old");
    mounted.start();
    Holder holder(kAlice, mounted.path(kKey));
    CHECK(holder.opened.good());
    mounted.set(kKey, "newer");
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == "newer"; }));
    CHECK(holder.read_again().text == "old");
    mounted.stop();
}

TEST_CASE("new values, new keys and removals are served without a restart") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "first");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "first");
    for (int i = 0; i < 20; ++i) {
        mounted.set(kKey, concat("value ", i));
        CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == concat("value ", i); }));
    }
    CHECK(read_as(kAlice, mounted.path("acme/checkout/staging/FRESH")).error == ENOENT);
    mounted.set("acme/checkout/staging/FRESH", "new scope");
    CHECK(soon(
        [&] { return read_as(kAlice, mounted.path("acme/checkout/staging/FRESH")).text == "new scope"; }));
    mounted.remove(kKey);
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).error == ENOENT; }));
    mounted.stop();
}

TEST_CASE("removal revokes what is open, also when the secret is put again") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "gone");
    mounted.start();
    Holder holder(kAlice, mounted.path(kKey));
    CHECK(holder.read_again().text == "gone");
    mounted.remove(kKey);
    CHECK(soon([&] { return holder.read_again().error == EKEYREVOKED; }));
    mounted.set(kKey, "back");
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == "back"; }));
    CHECK(holder.read_again().error == EKEYREVOKED);
    CHECK(mounted.audit_lines({"\"read\"", "\"deny\"", "removed"}) >= 1);
    mounted.stop();
}

TEST_CASE("purging a superseded version revokes what is open of it") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "one");
    mounted.start();
    Holder holder(kAlice, mounted.path(kKey));
    mounted.set(kKey, "two");
    must(purge_version(mounted.store, mounted.made.owner, must(SecretName::parse(kKey)), 1));
    CHECK(soon([&] { return holder.read_again().error == EKEYREVOKED; }));
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "two");
    mounted.stop();
}

TEST_CASE("an expired secret is refused, open or not, and does not uncover a wider one") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set("acme/*/*/KEY", "wider");
    mounted.set(kKey, "short", Visibility::masked, wall_clock_ms() + 3000);
    mounted.start();
    Holder holder(kAlice, mounted.path(kKey));
    CHECK(holder.opened.good());
    CHECK(soon([&] { return holder.read_again().error == EKEYEXPIRED; }));
    CHECK(read_as(kAlice, mounted.path(kKey)).error == EKEYEXPIRED);
    mounted.stop();
}

TEST_CASE("a policy that no longer allows it revokes what is open") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    Holder holder(kAlice, mounted.path(kKey));
    CHECK(holder.read_again().text == "x");
    mounted.write_policy(allow(kBob, "acme/**"));
    CHECK(soon([&] { return holder.read_again().error == EKEYREVOKED; }));
    CHECK(read_as(kAlice, mounted.path(kKey)).error == ENOENT);
    CHECK(read_as(kBob, mounted.path(kKey)).text == "x");
    mounted.write_policy(allow(kAlice, "acme/**"));
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == "x"; }));
    mounted.stop();
}

TEST_CASE("a policy with an error changes nothing and is told in the status") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    mounted.write_policy("[[rule]]\nname = \"typo\"\nsecretz = []\nsecrets = [\"acme/**\"]\nuid = 60002\n");
    auto status = [&] { return read_as(kRoot, mounted.path(".coffer/status.json")).text; };
    CHECK(soon([&] { return status().find("rules.toml:3") != std::string::npos; }));
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "x");
    CHECK(read_as(kBob, mounted.path(kKey)).error == ENOENT);
    mounted.write_policy(allow(kBob, "acme/**"));
    CHECK(soon([&] { return read_as(kBob, mounted.path(kKey)).text == "x"; }));
    CHECK(soon([&] { return status().find("rules.toml:3") == std::string::npos; }));
    mounted.stop();
}

TEST_CASE("a policy folder that others can write is refused on SIGHUP") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    std::filesystem::permissions(mounted.config.policy, std::filesystem::perms(0777));
    mounted.signal(SIGHUP);
    CHECK(soon([&] { return mounted.log().find("stays in force") != std::string::npos; }));
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "x");
    mounted.stop();
}

TEST_CASE("inherit = true lets whoever holds the descriptor read") {
    MountedStore mounted(allow(kAlice, "acme/**", "inherit = true\n"));
    mounted.set(kKey, "handed on");
    mounted.start();
    Outcome child = as(kRoot, [&] {
        if (setresgid(kAlice.gid, kAlice.gid, 0) != 0 || setresuid(kAlice.uid, kAlice.uid, 0) != 0)
            return failed();
        int fd = open(mounted.path(kKey).c_str(), O_RDONLY);
        if (setresuid(0, 0, 0) != 0 || !become(kBob)) return failed();
        return read_all(fd);
    });
    CHECK(child == Outcome{0, "handed on"});
    mounted.stop();
}

TEST_CASE("who has inherited an open file reads no more when the rule no longer has inherit") {
    MountedStore mounted(allow(kAlice, "acme/**", "inherit = true\n"));
    mounted.set(kKey, "handed on");
    mounted.start();
    int fd = -1;
    const auto open_and_become_another = [&] {
        if (setresgid(kAlice.gid, kAlice.gid, 0) != 0 || setresuid(kAlice.uid, kAlice.uid, 0) != 0) return 1;
        fd = open(mounted.path(kKey).c_str(), O_RDONLY);
        return fd >= 0 && setresuid(0, 0, 0) == 0 && become(kBob) ? 0 : 1;
    };
    const auto read_one = [&] {
        char byte = 0;
        return pread(fd, &byte, 1, 0) == 1 ? 0 : errno;
    };
    Puppet heir({open_and_become_another, read_one});
    REQUIRE(heir.act(0) == 0);
    CHECK(heir.act(1) == 0);
    mounted.write_policy(allow(kAlice, "acme/**"));
    CHECK(soon([&] { return heir.act(1) == EACCES; }));
    mounted.stop();
}

TEST_CASE("cached = true permits sendfile and mmap, and each close drops the pages") {
    MountedStore mounted(allow(kAlice, "acme/**", "cached = true\n"));
    mounted.set(kKey, "cache me");
    mounted.start();
    auto map = [&] {
        return as(kAlice, [&] {
            int fd = open(mounted.path(kKey).c_str(), O_RDONLY);
            void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
            if (memory == MAP_FAILED) return failed();
            return Outcome{0, std::string(static_cast<const char*>(memory), 8)};
        });
    };
    CHECK(map().text == "cache me");
    mounted.set(kKey, "new text");
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == "new text"; }));
    CHECK(soon([&] { return map().text == "new text"; }));
    mounted.stop();
}

TEST_CASE("the limit of all open files is ENFILE") {
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) {
        config.max_open = 3;
        config.max_open_per_uid = 3;
    });
    mounted.set(kKey, "x");
    mounted.start();
    Holder one(kAlice, mounted.path(kKey)), two(kAlice, mounted.path(kKey)),
        three(kAlice, mounted.path(kKey));
    CHECK(three.opened.good());
    CHECK(read_as(kRoot, mounted.path(".coffer/revision")).error == ENFILE);
    mounted.stop();
}

TEST_CASE("large values beyond the user's share are refused") {
    MountedStore mounted(allow(kAlice, "acme/**"),
                         [](Config& config) { config.large_bytes_per_uid = 1u << 20; });
    mounted.set("acme/checkout/production/BIG", std::string(700000, 'b'));
    mounted.set("acme/checkout/production/BIG2", std::string(700000, 'c'));
    mounted.start();
    Holder one(kAlice, mounted.path("acme/checkout/production/BIG"));
    CHECK(one.read_again() == Outcome{0, std::string(32768, 'b')});
    Outcome second = read_as(kAlice, mounted.path("acme/checkout/production/BIG2"));
    CHECK(second.error == EMFILE);
    mounted.stop();
}
