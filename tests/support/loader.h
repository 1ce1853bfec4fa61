// SPDX-License-Identifier: Apache-2.0
//
// The two ends of LoadCredential=ID:SOCKET: CredentialSocket listens and passes its socket to the daemon as
// systemd's socket activation does; load() connects and reads as systemd's loader does (systemd 252,
// read_full_file_full() in fileio.c).
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/descriptor.h"
#include "support/mounted_store.h"
#include "support/test_unit.h"

namespace coffer::test {

inline constexpr std::size_t kLargestCredential = 1u << 20;

// An abstract name where it begins with '@'.
inline std::pair<sockaddr_un, socklen_t> unix_address(std::string_view name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t size = std::min(name.size(), sizeof address.sun_path);
    std::memcpy(address.sun_path, name.data(), size);
    if (name.starts_with('@')) address.sun_path[0] = '\0';
    return {address, static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size)};
}

class CredentialSocket {
  public:
    explicit CredentialSocket(const MountedStore& mounted)
        : path_(mounted.made.folder / "credentials.sock"),
          socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        auto [address, size] = unix_address(path_.native());
        REQUIRE(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
        REQUIRE(listen(socket_.get(), 256) == 0);
        REQUIRE(chmod(path_.c_str(), 0666) == 0);  // 0600 in production; the tests have other users knock
    }
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

    // In the daemon's process.
    void pass(const char* name = "credentials") const { pass_descriptor(socket_.get(), name); }
    static void pass_descriptor(int descriptor, const char* name) {
        if (descriptor == 3)
            fcntl(3, F_SETFD, 0);
        else
            dup2(descriptor, 3);
        setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
        setenv("LISTEN_FDS", "1", 1);
        setenv("LISTEN_FDNAMES", name, 1);
    }

  private:
    std::filesystem::path path_;
    Descriptor socket_;
};

// For the daemon's process: its sockets keep the buffers that they are made with, as where it has no
// CAP_NET_ADMIN and the system's limit is the usual one.
inline void forbid_wide_buffers() {
    sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setsockopt, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_SNDBUF, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_SNDBUFFORCE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{std::size(filter), filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(124);
}

// Bound to `name` (empty: to none) and connected, as a child of the test; -1 with errno.
inline int knock(const std::filesystem::path& path, std::string_view name) {
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!name.empty()) {
        auto [own, size] = unix_address(name);
        if (bind(socket, reinterpret_cast<const sockaddr*>(&own), size) != 0) return -1;
    }
    auto [address, size] = unix_address(path.native());
    if (connect(socket, reinterpret_cast<const sockaddr*>(&address), size) != 0) return -1;
    shutdown(socket, SHUT_WR);
    return socket;
}

// To the end, or past the largest credential: then the unit fails, E2BIG. EBADMSG: past it with something
// else than zeros.
inline Outcome take_credential(int socket) {
    if (socket < 0) return failed();
    Outcome out;
    std::string buffer(64u << 10, '\0');
    for (ssize_t size; (size = read(socket, buffer.data(), buffer.size())) != 0;) {
        if (size < 0) return failed();
        out.text.append(buffer, 0, static_cast<std::size_t>(size));
        if (out.text.size() <= kLargestCredential) continue;
        const bool zeros = std::ranges::all_of(out.text, [](char c) { return c == '\0'; });
        return {zeros ? E2BIG : EBADMSG, {}};
    }
    close(socket);
    return out;
}

inline std::string claim_for(std::string_view unit, std::string_view id) {
    return concat("@adf9d86b6eda275e/unit/", unit, '/', id);
}

// In the unit's cgroup, then as this user.
inline Outcome load(const TestUnit& unit, const Who& who, const std::filesystem::path& path,
                    std::string_view name) {
    return as(kRoot, [&] {
        if (!unit.add(getpid()) || !become(who)) return failed();
        return take_credential(knock(path, name));
    });
}

}  // namespace coffer::test
