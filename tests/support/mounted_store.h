// SPDX-License-Identifier: Apache-2.0
//
// MountedStore: a real store, served by a real cofferd as a child process on a mount of its own, in one
// folder. It leaves nothing: the daemon is stopped (its exit status is part of the test) and the mount taken
// off before the folder goes. COFFER_TEST_ATTEST chooses how callers are attested, COFFER_TEST_COFFERD
// another daemon than that of the same build, and with COFFER_TEST_HELD a coffer-mount holds each mount.
#pragma once

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <chrono>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "access/config/config.h"
#include "keys/identity_file.h"
#include "support/client.h"
#include "support/mount_holder.h"
#include "support/test_store.h"

namespace coffer::test {

inline constexpr std::chrono::seconds kPatience{20};

// Asks again and again until it holds; false when patience is over. For what becomes true soon.
inline bool soon(const std::function<bool()>& holds) {
    auto until = std::chrono::steady_clock::now() + kPatience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
}

inline std::string file_text(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class MountedStore {
  public:
    // `policy`: the text of one policy file. `change`: on the configuration, before it is written.
    explicit MountedStore(std::string_view policy, const std::function<void(Config&)>& change = {},
                          std::string_view host_pattern = "acme/*/*")
        : made(host_pattern), store(must(made.open("writer"))) {
        std::filesystem::permissions(made.folder.path(), std::filesystem::perms(0711));
        std::filesystem::create_directory(mount());
        std::filesystem::create_directory(made.folder / "policy.d");
        write_policy(policy);
        config.file = made.folder / "coffer.toml";
        config.store = made.path();
        config.pin = made.pin;
        config.host_identity = made.folder / "host.identity";
        config.state = made.folder / "state";
        config.policy = made.folder / "policy.d";
        config.mount = mount();
        config.audit_file = made.folder / "audit.jsonl";
        if (change) change(config);
        write_file(config.file, write_config(config));
        must(save_identity(config.host_identity, must(encode_identity(made.host))));
    }
    ~MountedStore() {
        if (daemon_ > 0) {
            kill(daemon_, SIGKILL);
            waitpid(daemon_, nullptr, 0);
        }
        holder.reset();
        umount2(mount().c_str(), MNT_DETACH);
    }
    MountedStore(const MountedStore&) = delete;
    MountedStore& operator=(const MountedStore&) = delete;

    [[nodiscard]] std::filesystem::path mount() const { return made.folder / "mount"; }
    [[nodiscard]] std::filesystem::path path(std::string_view below) const { return mount() / below; }

    void set(std::string_view name, std::string_view value, Visibility visibility = Visibility::masked,
             std::uint64_t not_after_ms = 0) {
        made.set(store, name, value, visibility, not_after_ms);
    }
    void remove(std::string_view name) {
        must(remove_secret(store, made.owner, must(SecretName::parse(name)), {}));
    }

    void write_policy(std::string_view text) {
        const auto file = made.folder / "policy.d/rules.toml";
        write_file(file.string() + ".new", text);
        std::filesystem::rename(file.string() + ".new", file);
    }

    // From now on coffer-mount mounts, and the daemons take over.
    void hold(const std::vector<std::string>& arguments = {}) {
        holder.emplace(made.folder.path(), mount());
        holder->start(arguments);
    }

    // As a crash does; the mount stays if it is held.
    void kill_daemon() {
        kill(daemon_, SIGKILL);
        waitpid(daemon_, nullptr, 0);
        daemon_ = -1;
    }

    // The daemon, without waiting for it to say anything.
    void spawn() {
        const char* attest = std::getenv("COFFER_TEST_ATTEST");  // NOLINT(concurrency-mt-unsafe)
        const std::string method = attest ? attest : "automatic", file = config.file;
        const std::string log_file = made.folder / "cofferd.log";
        unlink(log_file.c_str());  // what an earlier daemon said is not this one's
        daemon_ =
            namespaces ? static_cast<pid_t>(syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0)) : fork();
        if (daemon_ != 0) return;
        if (in_daemon) in_daemon();
        if (namespaces && (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
                           ::mount("proc", "/proc", "proc", 0, nullptr) != 0))
            _exit(125);
        int out = open(log_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(out, 1);
        dup2(out, 2);
        close(out);
        // Opened before: this checkout may lie where that user may not go.
        const char* other = std::getenv("COFFER_TEST_COFFERD");  // NOLINT(concurrency-mt-unsafe)
        const int program = open(other ? other : COFFERD_PROGRAM, O_RDONLY | O_CLOEXEC);
        if (runs_daemon && !become(*runs_daemon)) _exit(126);
        const std::string socket = holder ? holder->socket().string() : "";
        std::array<const char*, 8> arguments = {"cofferd",      "--config",     file.c_str(), "--attest",
                                                method.c_str(), "--foreground", nullptr,      nullptr};
        if (holder) {
            arguments[5] = "--mounted-by";
            arguments[6] = socket.c_str();
        }
        fexecve(program, const_cast<char* const*>(arguments.data()), environ);
        _exit(127);
    }

    // Until it says that it serves.
    void start() {
        const bool all_held = std::getenv("COFFER_TEST_HELD");  // NOLINT(concurrency-mt-unsafe)
        if (all_held && !holder && !runs_daemon && !namespaces) {
            hold();
            held_by_itself_ = true;
        }
        spawn();
        const bool serving = soon([&] {
            return log().find("serving") != std::string::npos ||
                   waitpid(daemon_, &status_, WNOHANG) == daemon_;
        });
        INFO(log());
        REQUIRE(serving);
        REQUIRE(log().find("serving") != std::string::npos);
    }

    // For a start that must fail: its exit status, or nothing when it does not end.
    std::optional<int> start_refused() {
        spawn();
        if (!soon([&] { return waitpid(daemon_, &status_, WNOHANG) == daemon_; })) return std::nullopt;
        daemon_ = -1;
        return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
    }

    // As an administrator would; every test that ends well ends with this.
    void stop() {
        kill(daemon_, SIGTERM);
        const bool ended = soon([&] { return waitpid(daemon_, &status_, WNOHANG) == daemon_; });
        INFO(log());
        REQUIRE(ended);
        daemon_ = -1;
        REQUIRE(WIFEXITED(status_));
        REQUIRE(WEXITSTATUS(status_) == 0);
        if (holder && !held_by_itself_) return;
        if (holder) REQUIRE(holder->stop() == 0);
        holder.reset();
        REQUIRE_FALSE(is_mounted());
    }

    // For a daemon that ends by itself.
    void wait_for_end(int status) {
        REQUIRE(soon([&] { return waitpid(daemon_, &status_, WNOHANG) == daemon_; }));
        daemon_ = -1;
        INFO(log());
        REQUIRE(WIFEXITED(status_));
        CHECK(WEXITSTATUS(status_) == status);
    }

    void signal(int number) const { kill(daemon_, number); }
    [[nodiscard]] pid_t daemon() const { return daemon_; }
    [[nodiscard]] bool is_mounted() const {
        return file_text("/proc/self/mountinfo").find(mount().string() + ' ') != std::string::npos;
    }
    [[nodiscard]] std::string log() const { return file_text(made.folder / "cofferd.log"); }
    [[nodiscard]] std::string audit() const { return file_text(config.audit_file); }
    // The audit lines that hold all these texts.
    [[nodiscard]] int audit_lines(std::initializer_list<std::string_view> parts) const {
        std::istringstream lines(audit());
        int count = 0;
        for (std::string line; std::getline(lines, line);) {
            bool all = true;
            for (std::string_view part : parts) all = all && line.find(part) != std::string::npos;
            count += all ? 1 : 0;
        }
        return count;
    }

    // Everything in the folder becomes this user's, who then runs the daemon.
    void give_to(const Who& user) {
        runs_daemon = user;
        REQUIRE(chown(made.folder.path().c_str(), user.uid, user.gid) == 0);
        for (const auto& entry : std::filesystem::recursive_directory_iterator(made.folder.path()))
            REQUIRE(lchown(entry.path().c_str(), user.uid, user.gid) == 0);
    }

    TestStore made;
    VerifiedStore store;
    Config config;
    std::optional<MountHolder> holder;
    std::optional<Who> runs_daemon;   // who runs the daemon, if not this process's user
    unsigned long namespaces = 0;     // CLONE_NEW*: new ones for the daemon
    std::function<void()> in_daemon;  // done in its process before it becomes cofferd

  private:
    static void write_file(const std::filesystem::path& path, std::string_view text) {
        std::ofstream(path, std::ios::trunc) << text;
        std::filesystem::permissions(path, std::filesystem::perms(0600));
    }

    pid_t daemon_ = -1;
    int status_ = 0;
    bool held_by_itself_ = false;
};

// A policy of one rule for one user.
inline std::string allow(const Who& who, std::string_view secrets, std::string_view more = "") {
    return concat("[[rule]]\nname = \"uid ", who.uid, ' ', secrets, "\"\nsecrets = [\"", secrets,
                  "\"]\nuid = ", who.uid, '\n', more, '\n');
}

}  // namespace coffer::test
