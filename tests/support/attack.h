// SPDX-License-Identifier: Apache-2.0
//
// Attack: what an attacker saw, and who it was. An attack is foiled when it got nothing and the audit log
// says who tried: by the process's real numbers, whatever the process claims of itself.
#pragma once

#include <sys/syscall.h>

#include <cstdio>
#include <filesystem>

#include "support/audit_records.h"
#include "support/mounted_store.h"

namespace coffer::test {

// The secret that is Alice's, and beside it one that Alice, Bob and root may read: a refused look-up is on
// record only where the caller sees the directory.
inline constexpr std::string_view kKey = "acme/checkout/production/KEY",
                                  kOwn = "acme/checkout/production/OWN", kValue = "the value that is Alice's";

inline std::string alice_alone(std::string_view more = "") {
    return allow(kAlice, kKey, more) + allow(kAlice, kOwn) + allow(kBob, kOwn) + allow(kRoot, kOwn);
}

inline void start_attacked(MountedStore& mounted) {
    mounted.set(kKey, kValue);
    mounted.set(kOwn, "nothing special");
    mounted.start();
}

inline std::string own_program() {
    return std::filesystem::read_symlink("/proc/self/exe");
}

struct Attack {
    Outcome seen;
    pid_t tid = 0, tgid = 0;  // tid 0: whichever thread of the process
    uid_t uid = 0;
    std::string exe;
};

// `body` in a child of this program under another user.
template <class Body>
Attack attack_as(const Who& who, Body body) {
    Attack out;
    out.seen = as(who, body, &out.tgid);
    out.tid = out.tgid;
    out.uid = who.uid;
    out.exe = own_program();
    return out;
}

// Another program.
template <class Prepare>
Attack attack_by(const Who& who, const std::vector<std::string>& command, Prepare prepare) {
    Attack out;
    out.seen = run_as(who, command, prepare, &out.tgid);
    out.tid = out.tgid;
    out.uid = who.uid;
    out.exe = std::filesystem::canonical(command.front());
    return out;
}

inline bool is_on_record(const MountedStore& mounted, const Attack& attack, std::string_view operation,
                         std::string_view path = kKey) {
    return count_records(mounted.audit(), [&](const AuditRecord& one) {
               return one.decision == "deny" && one.operation == operation && one.path == path &&
                      (one.tid == attack.tid || attack.tid == 0) && one.tgid == attack.tgid &&
                      one.uid == attack.uid && one.exe == attack.exe;
           }) > 0;
}

// It failed with this errno, saw no byte of the value, was never allowed, and is on record as refused.
inline void check_foiled(const MountedStore& mounted, const Attack& attack, int error,
                         std::string_view operation) {
    INFO("attacker " << attack.tgid << ", user " << attack.uid << ", " << attack.exe << "\n"
                     << mounted.audit());
    CHECK(attack.seen.error == error);
    CHECK(attack.seen.text.find(kValue) == std::string::npos);
    CHECK(is_on_record(mounted, attack, operation));
    CHECK(count_records(mounted.audit(), [&](const AuditRecord& one) {
              return one.decision == "allow" && one.path == kKey && one.tgid == attack.tgid &&
                     one.uid == attack.uid;
          }) == 0);
}

// For a test that cannot be made here; CI counts the line.
inline void leave_out(std::string_view reason) {
    std::printf("SKIPPED: %.*s\n", static_cast<int>(reason.size()), reason.data());
    std::fflush(stdout);
}

// Another process's descriptor, taken as a debugger or a service manager would. Root's alone.
inline int take_descriptor(pid_t from, int number) {
    const int process = static_cast<int>(syscall(SYS_pidfd_open, from, 0));
    const int taken = static_cast<int>(syscall(SYS_pidfd_getfd, process, number, 0));
    close(process);
    return taken;
}

// The kernel's own name for a file, name_to_handle_at(2); what a caller has to make room for.
class FileHandle {
  public:
    FileHandle() { get()->handle_bytes = MAX_HANDLE_SZ; }
    file_handle* get() { return reinterpret_cast<file_handle*>(bytes_); }

  private:
    alignas(file_handle) unsigned char bytes_[sizeof(file_handle) + MAX_HANDLE_SZ] = {};
};

// A puppet's action: becomes this user and opens the file; the descriptor, or -1.
inline int open_as(const Who& who, const std::filesystem::path& path) {
    return become(who) ? open(path.c_str(), O_RDONLY | O_CLOEXEC) : -1;
}

inline Outcome read_from_start(int fd) {
    return lseek(fd, 0, SEEK_SET) < 0 ? failed() : read_all(fd);
}

}  // namespace coffer::test
