// SPDX-License-Identifier: Apache-2.0
//
// What an open file is good for: its own version, in the hands of those who may read it, until it is taken
// back.
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "serve/wall_clock.h"
#include "support/mounted_store.h"

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

TEST_CASE("a descriptor that a child inherits is of no use to another user") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "mine");
    mounted.start();
    int fd = -1;
    // Root opens as alice by its file-system ids, as a service manager might, and a child becomes bob.
    Outcome child = as({0, 0}, [&] {
        if (setresgid(kAlice.gid, kAlice.gid, 0) != 0 || setresuid(kAlice.uid, kAlice.uid, 0) != 0)
            return failed();
        fd = open(mounted.path(kKey).c_str(), O_RDONLY);
        if (fd < 0) return failed();
        if (setresuid(0, 0, 0) != 0) return failed();
        if (!become(kBob)) return failed();
        return read_all(fd);
    });
    CHECK(child.error == EACCES);
    CHECK(mounted.audit_lines({"\"read\"", "\"deny\"", "60002"}) >= 1);
    mounted.stop();
}

TEST_CASE("a descriptor passed to another user is refused, to another process of the user served") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "mine");
    mounted.start();
    auto passed_to = [&](const Who& receiver) {
        return as(kRoot, [&] {
            int fd = -1, ends[2], life[2];
            if (pipe(ends) != 0 || pipe(life) != 0) return failed();
            // The opener is alice's child and stays alive; the descriptor is fetched from it by pidfd.
            pid_t opener = fork();
            if (opener == 0) {
                close(life[1]);
                if (!become(kAlice)) _exit(1);
                int mine = open(mounted.path(kKey).c_str(), O_RDONLY);
                char number[2] = {static_cast<char>(mine), 0};
                (void)!write(ends[1], number, 1);
                (void)!read(life[0], number, 1);  // until its parent is gone
                _exit(0);
            }
            char number = -1;
            if (read(ends[0], &number, 1) != 1) return failed(ESRCH);
            int pidfd = static_cast<int>(syscall(434, opener, 0));       // pidfd_open
            fd = static_cast<int>(syscall(438, pidfd, int{number}, 0));  // pidfd_getfd
            Outcome out = fd < 0 ? failed() : Outcome{};
            return !out.good() ? out : become(receiver) ? read_all(fd) : failed();
        });
    };
    CHECK(passed_to(kBob).error == EACCES);
    CHECK(passed_to(kAlice) == Outcome{0, "mine"});
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

TEST_CASE("a rule by program holds for the process that runs it and not after another exec") {
    const std::string program = "/bin/cat";
    MountedStore mounted(
        allow(kAlice, "acme/**", concat("exe = \"", std::filesystem::canonical(program).string(), "\"\n")));
    mounted.set(kKey, "for cat");
    mounted.start();
    auto run = [&](const char* command) {
        return as(kAlice,
                  [&] {
                      int ends[2];
                      if (pipe(ends) != 0) return failed();
                      pid_t child = fork();
                      if (child == 0) {
                          dup2(ends[1], 1);
                          if (std::string_view(command) == "cat")
                              execl("/bin/cat", "cat", mounted.path(kKey).c_str(), nullptr);
                          else
                              execl("/usr/bin/head", "head", mounted.path(kKey).c_str(), nullptr);
                          _exit(127);
                      }
                      close(ends[1]);
                      Outcome out = read_all(ends[0]);
                      waitpid(child, nullptr, 0);
                      return out;
                  })
            .text;
    };
    CHECK(run("cat") == "for cat");
    CHECK(run("head").empty());
    CHECK(read_as(kAlice, mounted.path(kKey)).error == ENOENT);
    mounted.stop();
}

TEST_CASE("splice, sendfile and mmap are refused, for the page cache would serve others") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "not for the cache");
    mounted.start();
    auto with_open = [&](auto call) {
        return as(kAlice, [&] {
            int fd = open(mounted.path(kKey).c_str(), O_RDONLY), ends[2];
            if (fd < 0 || pipe(ends) != 0) return failed();
            return errno_of([&] { return call(fd, ends[1]); });
        });
    };
    CHECK(with_open([](int fd, int out) { return splice(fd, nullptr, out, nullptr, 100, 0); }).error ==
          EACCES);
    CHECK(with_open([](int fd, int out) { return sendfile(out, fd, nullptr, 100); }).error == EACCES);
    // The mapping is made, and the first touch is SIGBUS: the client dies without an answer.
    Outcome mapped = as(kAlice, [&] {
        int fd = open(mounted.path(kKey).c_str(), O_RDONLY);
        void* memory = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        if (memory == MAP_FAILED) return failed();
        return Outcome{0, std::string(static_cast<const char*>(memory), 4)};
    });
    CHECK(mapped.error == kClientCrashed);
    CHECK(mapped.text.empty());
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

TEST_CASE("a user who reaches the limit of open files gets EMFILE, another one still opens") {
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, "acme/**"),
                         [](Config& config) { config.max_open_per_uid = 5; });
    mounted.set(kKey, "x");
    mounted.start();
    Outcome many = as(kAlice, [&] {
        for (int i = 0; i < 5; ++i)
            if (open(mounted.path(kKey).c_str(), O_RDONLY) < 0) return failed(1000 + errno);
        Outcome out = errno_of([&] { return open(mounted.path(kKey).c_str(), O_RDONLY); });
        out.text = read_as({0, 0}, "/dev/null").text;
        return out;
    });
    CHECK(many.error == EMFILE);
    CHECK(read_as(kBob, mounted.path(kKey)).text == "x");
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == "x"; }));  // its handles are gone
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
