// SPDX-License-Identifier: Apache-2.0
//
// Processes that die, are replaced under their number, or become another program at the worst moment.
#include <linux/sched.h>

#include <atomic>
#include <thread>

#include "explained.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// As attack_as(), in a child that has this process id.
template <class Body>
Attack attack_under(pid_t number, const Who& who, Body body) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    struct clone_args arguments {};
    arguments.exit_signal = SIGCHLD;
    arguments.set_tid = reinterpret_cast<std::uint64_t>(&number);
    arguments.set_tid_size = 1;
    const auto child = static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof arguments));
    if (child == 0) {
        close(ends[0]);
        report(ends[1], become(who) ? body() : failed());
    }
    close(ends[1]);
    REQUIRE(child == number);
    Attack attack{collect(ends[0], child), number, number, who.uid, own_program()};
    close(ends[0]);
    return attack;
}

bool silence() {
    const int none = open("/dev/null", O_RDWR);
    return dup2(none, 0) == 0 && dup2(none, 2) == 2;
}

std::uint64_t open_files(const MountedStore& mounted) {
    return nlohmann::json::parse(read_as(kRoot, mounted.path(".coffer/status.json")).text)["open_files"];
}

}  // namespace

TEST_CASE("whoever gets the process id of an allowed process that died is not that process") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    for (int round = 0; round < 20; ++round) {
        Puppet alice({[&] { return become(kAlice) && read_path(key).text == kValue ? 0 : 1; }});
        const pid_t number = alice.pid();
        REQUIRE(alice.act(0) == 0);
        alice.kill();
        check_foiled(mounted, attack_under(number, kBob, [&] { return read_path(key); }), ENOENT, "lookup");
        check_foiled(mounted, attack_under(number, kRoot, [&] { return read_path(key); }), ENOENT, "lookup");
    }
    end(mounted);
}

TEST_CASE("a process id used again does not make another program the allowed one") {
    const std::string cat = std::filesystem::canonical("/bin/cat");
    MountedStore mounted(alice_alone(concat("exe = \"", cat, '"')));
    start_attacked(mounted);
    const std::string key = mounted.path(kKey);
    int input[2];
    REQUIRE(pipe2(input, O_CLOEXEC) == 0);
    // It reads the secret, then waits at its input until it is killed.
    Puppet allowed({[&] {
        if (!become(kAlice) || !silence() || dup2(input[0], 0) != 0) return -1;
        dup2(2, 1);
        return execl(cat.c_str(), "cat", key.c_str(), "-", nullptr);
    }});
    const pid_t number = allowed.pid();
    REQUIRE(allowed.act(0) == Puppet::kExecuted);
    REQUIRE(soon([&] {
        return count_records(mounted.audit(), [&](const AuditRecord& one) {
                   return one.decision == "allow" && one.tgid == number && one.exe == cat;
               }) == 1;
    }));
    allowed.kill();
    Attack attack = attack_under(number, kAlice, [&] { return read_path(key); });
    CHECK(attack.seen.error == ENOENT);
    CHECK(is_on_record(mounted, attack, "lookup"));
    close(input[0]);
    close(input[1]);
    end(mounted);
}

TEST_CASE("a descriptor that outlives its opener is of no use to who has the opener's process id") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    auto alice = std::make_unique<Puppet>(
        std::vector<Puppet::Action>{[&] { return open_as(kAlice, mounted.path(kKey)); }});
    const pid_t number = alice->pid();
    const int held = take_descriptor(number, alice->act(0));
    REQUIRE(held >= 0);
    alice.reset();
    check_foiled(mounted, attack_under(number, kBob, [&] { return read_from_start(held); }), EACCES, "read");
    check_foiled(mounted, attack_under(number, kRoot, [&] { return read_from_start(held); }), EACCES, "read");
    CHECK(attack_under(number, kAlice, [&] { return read_from_start(held); }).seen.text == kValue);
    close(held);
    end(mounted);
}

TEST_CASE("a program that is started while a thread opens the secret gets nothing of it") {
    const std::string head = std::filesystem::canonical("/usr/bin/head");
    MountedStore mounted(alice_alone(concat("exe = \"", own_program(), '"')));
    start_attacked(mounted);
    const std::string key = mounted.path(kKey);
    int refused_reads = 0;
    for (int round = 0; round < 150; ++round) {
        // The thread puts the open secret onto the input again and again, until the exec takes it away.
        Attack attack = attack_by(kAlice, {head, "-c", "100"}, [&] {
            if (!silence()) return false;
            static std::atomic<int> opened;
            opened = 0;
            std::thread([&key] {
                for (;;) {
                    const int fd = open(key.c_str(), O_RDONLY);
                    if (dup2(fd, 0) == 0) ++opened;
                    close(fd);
                }
            }).detach();
            while (opened < 1 + round % 5) sched_yield();
            for (int wait = 0; wait < round * 20; ++wait) std::atomic_signal_fence(std::memory_order_seq_cst);
            return true;
        });
        CHECK(attack.seen == Outcome{0, ""});
        refused_reads += is_on_record(mounted, attack, "read") ? 1 : 0;
    }
    CHECK(refused_reads > 0);  // it had the secret open, and tried
    CHECK(count_records(mounted.audit(), [&](const AuditRecord& one) {
              return one.decision == "allow" && one.exe == head;
          }) == 0);
    CHECK(as(kAlice, [&] { return read_path(key); }).text == kValue);
    end(mounted);
}

TEST_CASE("readers that are killed at any moment leave the daemon sound and no file open") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    for (int round = 0; round < 300; ++round) {
        const pid_t child = fork();
        if (child == 0) {
            if (!become(kAlice)) _exit(1);
            for (;;) {
                Outcome seen = read_path(key);
                if (seen.text != kValue) _exit(2);
            }
        }
        usleep(static_cast<useconds_t>(1000 + round * 7919 % 2000));
        kill(child, SIGKILL);
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
        if (round % 50 == 0) CHECK(read_as(kAlice, key).text == kValue);
    }
    CHECK(read_as(kAlice, key).text == kValue);
    CHECK(read_as(kBob, key).error == ENOENT);
    // Nothing but the file that says so is open. (The kernel releases after the close has returned.)
    CHECK(soon([&] { return open_files(mounted) <= 1; }));
    end(mounted);
}
