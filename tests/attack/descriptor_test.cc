// SPDX-License-Identifier: Apache-2.0
//
// A descriptor that an allowed process has opened, in other hands: inherited, passed on, kept over an exec or
// a change of user, opened again through /proc. A descriptor does not carry its opener's rights.
#include <sys/fsuid.h>
#include <sys/socket.h>

#include <thread>

#include "explained.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// In this process, root's, under Alice's file-system ids, as a server opens for its client.
int open_in_the_name_of(const Who& who, const std::filesystem::path& path) {
    setfsgid(who.gid);
    setfsuid(who.uid);
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    setfsuid(0);
    setfsgid(0);
    return fd;
}

bool send_descriptor(int to, int fd) {
    char byte = 'x';
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return sendmsg(to, &message, 0) == 1;
}

int receive_descriptor(int from) {
    char byte;
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (recvmsg(from, &message, 0) != 1 || !CMSG_FIRSTHDR(&message)) return -1;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

std::string exe_rule(const std::filesystem::path& program) {
    return concat("exe = \"", std::filesystem::canonical(program).string(), '"');
}

bool onto_input(int fd) {
    return fd >= 0 && dup2(fd, 0) == 0;
}

}  // namespace

TEST_CASE("a descriptor that a child inherits is of no use to another user") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const int held = open_in_the_name_of(kAlice, mounted.path(kKey));
    REQUIRE(held >= 0);
    for (const Who& who : {kBob, kRoot, kCarol})
        check_foiled(mounted, attack_as(who, [&] { return read_from_start(held); }), EACCES, "read");
    CHECK(as(kAlice, [&] { return read_from_start(held); }).text == kValue);
    close(held);
    end(mounted);
}

TEST_CASE("a descriptor is of no use to its own process after setuid") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Attack attack = attack_as(kRoot, [&] {
        if (setresgid(kAlice.gid, kAlice.gid, 0) != 0 || setresuid(kAlice.uid, kAlice.uid, 0) != 0)
            return failed();
        const int fd = open(mounted.path(kKey).c_str(), O_RDONLY);
        if (fd < 0 || read_all(fd).text != kValue) return failed(ENOMSG);
        if (setresuid(0, 0, 0) != 0 || !become(kBob)) return failed();
        return read_from_start(fd);
    });
    attack.uid = kBob.uid;
    check_foiled(mounted, attack, EACCES, "read");
    end(mounted);
}

// The bare system calls change the calling thread alone.
TEST_CASE("a descriptor of one thread is of no use to a thread of the same process under another user") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    auto thread_becomes = [](const Who& who) {
        return syscall(SYS_setresgid, who.gid, who.gid, who.gid) == 0 &&
               syscall(SYS_setresuid, who.uid, who.uid, who.uid) == 0;
    };
    Attack attack = attack_as(kRoot, [&] {
        int fd = -1;
        Outcome owner{ENOMSG, {}}, other{ENOMSG, {}};
        pid_t tid = 0;
        std::thread([&] {
            if (!thread_becomes(kAlice)) return;
            fd = open(mounted.path(kKey).c_str(), O_RDONLY);
            owner = read_all(fd);
        }).join();
        std::thread([&] {
            tid = static_cast<pid_t>(syscall(SYS_gettid));
            if (thread_becomes(kBob)) other = read_from_start(fd);
        }).join();
        if (owner.text != kValue) return failed(ENOMSG);
        other.text += concat(tid, ' ');
        return other;
    });
    attack.tid = std::atoi(attack.seen.text.c_str());
    attack.uid = kBob.uid;
    CHECK(attack.tid != attack.tgid);
    check_foiled(mounted, attack, EACCES, "read");
    end(mounted);
}

TEST_CASE("a descriptor passed over a socket is refused to another user, served to the same") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    const auto key = mounted.path(kKey);
    Puppet opener({[&] { return send_descriptor(ends[0], open_as(kAlice, key)) ? 0 : errno; },
                   [&] { return send_descriptor(ends[0], open(key.c_str(), O_RDONLY)) ? 0 : errno; }});
    auto receive = [&] {
        const int fd = receive_descriptor(ends[1]);
        return fd < 0 ? failed() : read_all(fd);
    };
    REQUIRE(opener.act(0) == 0);
    check_foiled(mounted, attack_as(kBob, receive), EACCES, "read");
    REQUIRE(opener.act(1) == 0);
    CHECK(as(kAlice, receive).text == kValue);
    opener.kill();
    close(ends[0]);
    close(ends[1]);
    end(mounted);
}

TEST_CASE("a rule by program holds for the process that runs it and not for another program") {
    MountedStore mounted(alice_alone(exe_rule("/bin/cat")));
    start_attacked(mounted);
    const std::string key = mounted.path(kKey);
    CHECK(run_as(kAlice, {"/bin/cat", key}).text == kValue);
    Attack head =
        attack_by(kAlice, {"/usr/bin/head", key}, [] { return dup2(open("/dev/null", O_WRONLY), 2) == 2; });
    check_foiled(mounted, head, 0, "lookup");  // it says so on its error output alone
    check_foiled(mounted, attack_as(kAlice, [&] { return read_path(key); }), ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("a descriptor kept over exec is of no use to a program that the rule does not name") {
    MountedStore mounted(alice_alone(exe_rule(own_program())));
    start_attacked(mounted);
    Attack attack = attack_by(kAlice, {"/usr/bin/head", "-c", "100"}, [&] {
        const int fd = open(mounted.path(kKey).c_str(), O_RDONLY);
        return read_all(fd).text == kValue && lseek(fd, 0, SEEK_SET) == 0 && onto_input(fd) &&
               dup2(open("/dev/null", O_WRONLY), 2) == 2;
    });
    CHECK(attack.seen == Outcome{0, ""});
    CHECK(is_on_record(mounted, attack, "read"));
    // Nor to the child of the named program that becomes another, whoever started it.
    const int held = open_in_the_name_of(kAlice, mounted.path(kKey));
    Attack child = attack_by(kAlice, {"/usr/bin/head", "-c", "100"},
                             [&] { return onto_input(held) && dup2(open("/dev/null", O_WRONLY), 2) == 2; });
    check_foiled(mounted, child, 0, "read");
    close(held);
    end(mounted);
}

TEST_CASE("a descriptor of Alice's process is not opened again through /proc, not even by root") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Puppet alice({[&] { return open_as(kAlice, mounted.path(kKey)); }});
    const int number = alice.act(0);
    REQUIRE(number >= 0);
    const std::string link = concat("/proc/", alice.pid(), "/fd/", number);
    check_foiled(mounted, attack_as(kRoot, [&] { return read_path(link); }), ENOENT, "open");
    CHECK(read_as(kBob, link).error == EACCES);  // by the kernel, with no request
    // Who was handed the descriptor may try its own link, and one that opens nothing.
    const int held = take_descriptor(alice.pid(), number);
    REQUIRE(held >= 0);
    for (const char* folder : {"/proc/self/fd/", "/dev/fd/", "/proc/thread-self/fd/"}) {
        const std::string own = concat(folder, held);
        check_foiled(mounted, attack_as(kBob, [&] { return read_path(own); }), ENOENT, "open");
    }
    alice.kill();
    close(held);
    end(mounted);
}

TEST_CASE("a descriptor that opens nothing (O_PATH) gives no right to open") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Puppet alice(
        {[&] { return become(kAlice) ? open(mounted.path(kKey).c_str(), O_PATH | O_CLOEXEC) : -1; }});
    const int number = alice.act(0);
    const int held = take_descriptor(alice.pid(), number);
    REQUIRE(held >= 0);
    const std::string own = concat("/proc/self/fd/", held);
    check_foiled(mounted, attack_as(kBob, [&] { return read_path(own); }), ENOENT, "open");
    CHECK(as(kBob, [&] { return read_all(held); }).error == EBADF);
    CHECK(as(kBob, [&] { return errno_of([&] { return openat(held, "", O_RDONLY); }); }).error == ENOENT);
    char none[] = "x";
    char* const arguments[] = {none, nullptr};
    CHECK(as(kBob, [&] { return errno_of([&] { return fexecve(held, arguments, arguments + 1); }); }).error ==
          EACCES);
    alice.kill();
    close(held);
    end(mounted);
}
