// SPDX-License-Identifier: Apache-2.0
//
// StoredService: a real coffer-stored as a user of its own, on a socket that it is passed as the service
// manager does, in a folder of its own. The socket belongs to the test, so that clients find it while the
// service is dead, as they do under socket activation. It leaves nothing: the service is stopped before the
// folder goes.
#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "service/stored_log.h"
#include "support/client.h"
#include "support/test_store.h"

namespace coffer::test {

// Who runs the service, in the group that may read the files; the group that may connect.
inline const Who kStoreUser{60010, 60011, {60012}};
inline constexpr gid_t kMembersGroup = 60012;
inline const Who kMember{60001, 60001, {kMembersGroup}}, kOtherMember{60002, 60002, {kMembersGroup}};
inline const Who kStranger{60003, 60003};

// Asks again and again until it holds; false when patience is over.
inline bool comes_true(const std::function<bool()>& holds) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

// A child of the test ends here, whatever it meets: what Catch throws must not go on with the tests in it.
template <class Body>
Outcome client(const Who& who, Body body) {
    return as(who, [&]() -> Outcome {
        try {
            return body();
        } catch (...) {
            return failed(kClientCrashed);
        }
    });
}
// The same, beside the test; true from `body` is exit status 0.
template <class Body>
pid_t client_beside(const Who& who, Body body) {
    const pid_t child = fork();
    if (child != 0) return child;
    bool good = false;
    try {
        good = become(who) && body();
    } catch (...) {
        good = false;
    }
    _exit(good ? 0 : 1);
}
inline int status_of(pid_t child) {
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

inline int code_number(Code code) {
    return static_cast<int>(code) + 1;
}
template <class T>
Outcome outcome_of(const Result<T>& result) {
    return result ? Outcome{} : Outcome{code_number(result.error().code), result.error().message};
}

inline sockaddr_un socket_address(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

class StoredService {
  public:
    explicit StoredService(std::vector<std::string> options = {}) : options_(std::move(options)) {
        std::filesystem::permissions(folder.path(), std::filesystem::perms(0711));
        std::filesystem::create_directory(data());
        REQUIRE(chown(data().c_str(), kStoreUser.uid, kStoreUser.gid) == 0);
        std::filesystem::permissions(data(), std::filesystem::perms(0750));
        listening_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = socket_address(socket());
        REQUIRE(bind(listening_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        REQUIRE(chown(socket().c_str(), 0, kMembersGroup) == 0);
        REQUIRE(chmod(socket().c_str(), 0660) == 0);
        REQUIRE(listen(listening_.get(), 4096) == 0);
        start();
    }
    ~StoredService() { kill_now(); }
    StoredService(const StoredService&) = delete;
    StoredService& operator=(const StoredService&) = delete;

    [[nodiscard]] std::filesystem::path data() const { return folder / "data"; }
    [[nodiscard]] std::filesystem::path store() const { return data() / "store.db"; }
    [[nodiscard]] std::filesystem::path socket() const { return folder / "socket"; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] std::string log() const { return read_path(folder / "log").text; }

    void start() {
        std::vector<std::string> arguments{"coffer-stored", "--store", store()};
        arguments.insert(arguments.end(), options_.begin(), options_.end());
        // Opened before: this checkout may lie where that user may not go.
        const int program = open(COFFER_STORED_PROGRAM, O_RDONLY | O_CLOEXEC);
        const int out = open((folder / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        pid_ = fork();
        if (pid_ == 0) {
            dup2(out, 1);
            dup2(out, 2);
            const int moved = fcntl(program, F_DUPFD_CLOEXEC, 100);  // 3 may be any of these
            dup2(fcntl(listening_.get(), F_DUPFD_CLOEXEC, 100), 3);
            setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
            setenv("LISTEN_FDS", "1", 1);
            if (!become(kStoreUser)) _exit(126);
            run(moved, arguments);
        }
        close(program);
        close(out);
    }
    void kill_now() {
        if (pid_ <= 0) return;
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }
    // As the service manager would; its exit status. Nothing when it does not end.
    std::optional<int> stop() {
        kill(pid_, SIGTERM);
        return wait_for_end();
    }
    std::optional<int> wait_for_end() {
        int status = 0;
        if (!comes_true([&] { return waitpid(pid_, &status, WNOHANG) == pid_; })) return std::nullopt;
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }

    // A client of this process's user.
    [[nodiscard]] Result<std::unique_ptr<StoredLog>> connect() const { return StoredLog::connect(socket()); }

    TempFolder folder;

  private:
    [[noreturn]] static void run(int program, const std::vector<std::string>& arguments) {
        std::vector<char*> words;
        for (const std::string& one : arguments) words.push_back(const_cast<char*>(one.c_str()));
        words.push_back(nullptr);
        fexecve(program, words.data(), environ);
        _exit(127);
    }

    std::vector<std::string> options_;
    Descriptor listening_;
    pid_t pid_ = -1;
};

// A service with a store that this process's user, root, has founded: an owner and a host.
class FoundedService : public StoredService {
  public:
    explicit FoundedService(std::vector<std::string> options = {})
        : StoredService(std::move(options)),
          owner(must(Identity::generate())),
          host(must(Identity::generate())) {
        auto log = must(connect());
        GenesisHost first{"host", host.recipient(), must(Pattern::parse("acme/*/*"))};
        pin = must(found_store(*log, owner, "owner", first)).pin;
    }

    // A reader or writer that keeps nothing, over the socket.
    [[nodiscard]] Result<VerifiedStore> open() const {
        auto log = connect();
        if (!log) return tl::make_unexpected(log.error());
        StoreOptions options;
        options.pin = pin;
        return VerifiedStore::open(std::move(*log), std::move(options));
    }
    [[nodiscard]] Result<SetOutcome> set(VerifiedStore& in, std::string_view name,
                                         std::string_view value) const {
        COFFER_TRY(auto parsed, SecretName::parse(name));
        return set_secret(in, owner, SetRequest{parsed, Visibility::masked, 0, {}}, as_bytes(value));
    }
    // As a client: its outcome has the message of an error in its text.
    [[nodiscard]] Outcome set_as(const Who& who, std::string_view name, std::string_view value) const {
        return client(who, [&]() -> Outcome {
            auto opened = open();
            return opened ? outcome_of(set(*opened, name, value)) : outcome_of(opened);
        });
    }
    [[nodiscard]] std::uint64_t revision() const { return must(must(connect())->head()).revision; }

    Identity owner, host;
    Pin pin;
};

}  // namespace coffer::test
