// SPDX-License-Identifier: Apache-2.0
//
// How coffer-stored starts and ends: its options, the socket that it makes, what it tells the service
// manager.
#include <algorithm>
#include <filesystem>

#include "support/stored_service.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// The program with a socket of its own making, in a folder of its own, as the store's user.
class Program {
  public:
    Program() {
        std::filesystem::permissions(folder.path(), std::filesystem::perms(0711));
        std::filesystem::create_directory(folder / "run");
        std::filesystem::permissions(folder / "run", std::filesystem::perms(01777));
        std::filesystem::create_directory(folder / "data");
        REQUIRE(chown((folder / "data").c_str(), kStoreUser.uid, kStoreUser.gid) == 0);
    }
    ~Program() {
        if (pid_ <= 0) return;
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    [[nodiscard]] std::string socket() const { return folder / "run/socket"; }
    [[nodiscard]] std::string store() const { return folder / "data/store.db"; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string said() const { return read_path(folder / "log").text; }

    void start(const std::vector<std::string>& options, const Who& who = kStoreUser,
               const std::string& notify = "") {
        const int program = open(COFFER_STORED_PROGRAM, O_RDONLY | O_CLOEXEC);
        const int out = open((folder / "log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        pid_ = fork();
        if (pid_ == 0) {
            dup2(out, 1);
            dup2(out, 2);
            std::vector<char*> words{const_cast<char*>("coffer-stored")};
            for (const std::string& one : options) words.push_back(const_cast<char*>(one.c_str()));
            words.push_back(nullptr);
            if (!notify.empty()) setenv("NOTIFY_SOCKET", notify.c_str(), 1);
            if (become(who)) fexecve(program, words.data(), environ);
            _exit(127);
        }
        close(program);
        close(out);
    }
    int end() {
        int status = 0;
        if (!comes_true([&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) FAIL("it does not end");
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    int stop() {
        kill(pid_, SIGTERM);
        return end();
    }
    // Its exit status, for a start that ends by itself.
    int run(const std::vector<std::string>& options, const Who& who = kStoreUser) {
        start(options, who);
        return end();
    }
    [[nodiscard]] bool listens() const {
        return comes_true([&] { return StoredLog::connect(socket()).has_value(); });
    }

    TempFolder folder;

  private:
    pid_t pid_ = -1;
};

}  // namespace

TEST_CASE("it says its version and its options, and refuses what it does not know") {
    Program program;
    CHECK(program.run({"--version"}) == 0);
    CHECK(program.said().starts_with("coffer-stored "));
    CHECK(program.run({"--help"}) == 0);
    for (const char* option : {"--store", "--state", "--socket", "--group", "--idle-exit", "--timeout"})
        CHECK(program.said().find(option) != std::string::npos);
    CHECK(program.run({"--stroe", "x"}) == 2);
    CHECK(program.run({"--timeout", "0"}) == 2);
    CHECK(program.run({"more"}) == 2);
}

TEST_CASE("a start that cannot serve ends with status 1 and says why, in one line") {
    Program program;
    auto refused = [&](const std::vector<std::string>& options, std::string_view says,
                       const Who& who = kStoreUser) {
        CHECK(program.run(options, who) == 1);
        const std::string said = program.said();
        INFO(said);
        CHECK(said.find(says) != std::string::npos);
        CHECK(std::ranges::count(said, '\n') == 1);
    };
    refused({"--store", program.store()}, "no socket");
    refused({"--store", program.store(), "--socket", program.socket()}, "owned by uid", kStranger);
    refused({"--store", program.folder / "no/such/store.db", "--socket", program.socket()},
            "making the folder");
    refused({"--store", program.store(), "--socket", std::string(200, 'x')}, "bytes, found 200");
    refused({"--store", program.store(), "--socket", program.socket(), "--group", "no-such-group"},
            "groupadd");
    std::filesystem::permissions(program.folder / "data", std::filesystem::perms(0770));
    refused({"--store", program.store(), "--socket", program.socket()}, "chmod go-w");
    CHECK_FALSE(std::filesystem::exists(program.socket()));
}

TEST_CASE("the socket that it makes is for its user and group, and gone at the end") {
    Program program;
    const Who with_members{kStoreUser.uid, kMembersGroup, {kStoreUser.gid}};
    program.start({"--store", program.store(), "--socket", program.socket()}, with_members);
    REQUIRE(program.listens());
    struct stat status {};
    REQUIRE(stat(program.socket().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0660);
    CHECK(status.st_gid == kMembersGroup);
    auto connect_as = [&](const Who& who) {
        return client(who, [&] { return outcome_of(StoredLog::connect(program.socket())); });
    };
    CHECK(connect_as(kMember) == Outcome{});
    CHECK(connect_as(kStranger).error == code_number(Code::not_allowed));
    CHECK(program.stop() == 0);
    CHECK_FALSE(std::filesystem::exists(program.socket()));
}

TEST_CASE("a socket that a crash left is replaced, one that is in use and a file are not") {
    Program program;
    const std::vector<std::string> options{"--store", program.store(), "--socket", program.socket()};
    {
        Descriptor left(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = socket_address(program.socket());
        REQUIRE(bind(left.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(chown(program.socket().c_str(), kStoreUser.uid, kStoreUser.gid) == 0);
        REQUIRE(listen(left.get(), 1) == 0);
        CHECK(program.run(options) == 1);
        CHECK(program.said().find("already") != std::string::npos);
    }
    program.start(options);
    CHECK(program.listens());
    CHECK(program.stop() == 0);
    std::ofstream(program.socket()) << "mine";
    CHECK(program.run(options) == 1);
    CHECK(read_path(program.socket()).text == "mine");
}

TEST_CASE("it tells the service manager that it serves and that it stops, and answers its watchdog") {
    Program program;
    const std::string path = program.folder / "run/notify";
    Descriptor manager(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto address = socket_address(path);
    REQUIRE(bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(chmod(path.c_str(), 0666) == 0);
    const timeval patience{30, 0};
    REQUIRE(setsockopt(manager.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    auto told = [&] {
        char text[256] = {};
        return recv(manager.get(), text, sizeof text - 1, 0) > 0 ? std::string(text) : "nothing";
    };
    setenv("WATCHDOG_USEC", "100000", 1);
    program.start({"--store", program.store(), "--socket", program.socket()}, kStoreUser, path);
    unsetenv("WATCHDOG_USEC");
    CHECK(told() == "READY=1");
    for (int i = 0; i < 3; ++i) CHECK(told() == "WATCHDOG=1");
    kill(program.pid(), SIGTERM);
    std::string last;
    do last = told();
    while (last == "WATCHDOG=1");
    CHECK(last == "STOPPING=1");
    CHECK(program.end() == 0);
}
