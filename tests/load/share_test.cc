// SPDX-License-Identifier: Apache-2.0
//
// One takes all that it may of one thing: handles, locked memory, processes, groups, names of cgroups, the
// hasher. What the daemon then uses is bounded and comes back, and another user reads meanwhile.
#include <sys/resource.h>

#include "daemon_use.h"
#include "nuisance.h"
#include "support/puppet.h"
#include "support/test_unit.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY", kValue = "the value";

// The victim: so many reads, each of which ends well within a client's patience.
int reads_of(const MountedStore& mounted, const Who& who, int reads) {
    const Outcome seen = as(who, [&] {
        int good = 0;
        for (int i = 0; i < reads; ++i) good += read_path(mounted.path(kKey)).text == kValue;
        return Outcome{0, std::to_string(good)};
    });
    return seen.good() ? std::atoi(seen.text.c_str()) : -seen.error;
}

// Opens so many handles, and at its second action reads a byte through every hundredth; the third closes them
// all.
std::unique_ptr<Puppet> holder_of(int handles, const Who& who, const std::filesystem::path& path) {
    auto held = std::make_shared<std::vector<int>>();
    return std::make_unique<Puppet>(
        std::vector<Puppet::Action>{[=] {
                                        const auto most = static_cast<rlim_t>(handles) + 100;
                                        const rlimit many{most, most};
                                        if (setrlimit(RLIMIT_NOFILE, &many) != 0 || !become(who)) return -1;
                                        while (static_cast<int>(held->size()) < handles) {
                                            const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
                                            if (fd < 0) break;
                                            held->push_back(fd);
                                        }
                                        return static_cast<int>(held->size());
                                    },
                                    [=] {
                                        int wrong = 0;
                                        char byte = 0;
                                        for (std::size_t i = 0; i < held->size(); i += 100)
                                            wrong += pread((*held)[i], &byte, 1, 2) != 1 || byte != kValue[2];
                                        return wrong;
                                    },
                                    [=] {
                                        for (int fd : *held) close(fd);
                                        held->clear();
                                        return 0;
                                    }});
}

}  // namespace

TEST_CASE("many thousand handles are held by users of which each has its own, some of them stopped") {
    const int each = 5000, users = by_form(4, 20), handles = each * users;
    std::string rules = allow(kCarol, kKey);
    std::vector<Who> holding;
    for (int i = 0; i < users; ++i) {
        const auto id = static_cast<uid_t>(60010 + i);
        holding.push_back({id, id});
        rules += allow(holding.back(), kKey);
    }
    MountedStore mounted(rules, [&](Config& config) {
        config.max_open = static_cast<std::uint32_t>(handles + 100);
        config.max_open_per_uid = static_cast<std::uint32_t>(each);
    });
    mounted.set(kKey, kValue);
    mounted.start();
    const auto path = mounted.path(kKey);
    const DaemonUse start = DaemonUse::of(mounted.daemon());
    std::vector<DaemonUse> full, empty;
    for (int round = 0; round < 2; ++round) {
        std::vector<std::unique_ptr<Puppet>> holders;
        for (const Who& who : holding) holders.push_back(holder_of(each, who, path));
        for (const auto& one : holders) CHECK(one->act(0) == each);
        CHECK(status_of(mounted)["open_files"].get<int>() >= handles);
        full.push_back(DaemonUse::of(mounted.daemon()));
        for (const Who& who : holding) CHECK(read_as(who, path).error == EMFILE);
        // Stopped with all of its handles, which is how a slow reader looks to the daemon.
        for (const auto& one : holders) REQUIRE(kill(one->pid(), SIGSTOP) == 0);
        CHECK(reads_of(mounted, kCarol, 200) == 200);
        for (const auto& one : holders) REQUIRE(kill(one->pid(), SIGCONT) == 0);
        for (const auto& one : holders) CHECK(one->act(1) == 0);
        // Half of them close, the others are killed.
        CHECK(holders[0]->act(2) == 0);
        CHECK(holders[1]->act(2) == 0);
        holders.clear();
        CHECK(soon([&] { return status_of(mounted)["open_files"] <= 1; }));
        empty.push_back(DaemonUse::of(mounted.daemon()));
    }
    // 512 bytes for each handle, and 2 MiB for what grows with a first use of anything.
    const long bound = handles / 2 + 2048;
    CHECK(full[1].resident - start.resident < bound);
    const long fragments = 1024 + handles / 50;  // of the allocator: 20 bytes for each handle
    CHECK(full[1].resident - full[0].resident < fragments);
    CHECK(empty[1].resident - empty[0].resident < fragments);
    CHECK(full[1].locked - start.locked <= 64);
    CHECK(full[1].descriptors - start.descriptors < 40 + 4 * users);  // of callers; none of a handle
    CHECK(full[1].threads == start.threads);
    std::printf(
        "FIGURE: load: handles held at once: %d by %d users; resident %ld KiB beyond the start (%ld bytes "
        "each), "
        "locked %ld KiB; held a second time: %ld KiB more\n",
        handles, users, full[1].resident - start.resident,
        (full[1].resident - start.resident) * 1024 / handles, full[1].locked - start.locked,
        full[1].resident - full[0].resident);
    end_well(mounted);
}

TEST_CASE("a user's large values lock no more than its share, and give it back") {
    constexpr std::size_t kSize = 1u << 20;
    const int values = 24, share = 16;
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, "acme/**"), [](Config& config) {
        config.large_bytes_per_uid = std::uint64_t{share + 1} << 20;  // each is a little more than 1 MiB
    });
    mounted.set(kKey, kValue);
    const std::string large(kSize, 'l');
    for (int i = 0; i < values; ++i) mounted.set(concat("acme/checkout/large/V", i), large);
    mounted.start();
    const DaemonUse start = DaemonUse::of(mounted.daemon());
    long most = 0, again = 0;
    for (int round = 0; round < 2; ++round) {
        auto held = std::make_shared<std::vector<int>>();
        Puppet alice({[&, held] {
            if (!become(kAlice)) return -1;
            for (int i = 0; i < values; ++i) {
                const int fd =
                    open(mounted.path(concat("acme/checkout/large/V", i)).c_str(), O_RDONLY | O_CLOEXEC);
                char byte = 0;  // the first read is what unseals it
                if (fd >= 0 && pread(fd, &byte, 1, 7) == 1 && byte == 'l')
                    held->push_back(fd);
                else if (errno != EMFILE)
                    return -errno;
            }
            return static_cast<int>(held->size());
        }});
        CHECK(alice.act(0) == share);
        most = std::max(most, DaemonUse::of(mounted.daemon()).locked - start.locked);
        CHECK(read_as(kBob, mounted.path("acme/checkout/large/V0")).text == large);
        CHECK(read_as(kBob, mounted.path(concat("acme/checkout/large/V", values - 1))).text == large);
        CHECK(reads_of(mounted, kBob, 100) == 100);
        alice.kill();
        CHECK(soon([&] { return status_of(mounted)["open_files"] <= 1; }));
        // A copy is wiped and unlocked when its handle is gone already. What stays: box keys of the versions.
        CHECK(soon([&] {
            again = DaemonUse::of(mounted.daemon()).locked - start.locked;
            return again <= 256;
        }));
    }
    CHECK(most <= (share + 1) * 1024 + 256);
    std::printf(
        "FIGURE: load: locked by one user's large values: %ld KiB of a share of %d KiB, %ld KiB after\n",
        most, (share + 1) * 1024, again);
    end_well(mounted);
}

TEST_CASE("thousands of short-lived processes of one user leave nothing in the daemon") {
    const int per_child = by_form(200, 2500), children = 8;
    MountedStore mounted(allow(kAlice, kKey) + allow(kBob, kKey));
    mounted.set(kKey, kValue);
    mounted.start();
    const auto path = mounted.path(kKey);
    (void)read_as(kBob, path);
    const DaemonUse start = DaemonUse::of(mounted.daemon());
    std::vector<long> plateaus;
    long peak = 0;
    int served = 0;
    std::uint64_t forked = 0, good = 0;
    for (int round = 0; round < 2; ++round) {
        int started[2];
        REQUIRE(pipe2(started, O_CLOEXEC) == 0);
        std::vector<pid_t> running;
        for (int i = 0; i < children; ++i) {
            const pid_t child = fork();
            if (child == 0) {
                const rlimit few{100, 100};  // what is left to it after that is up to the system
                if (setrlimit(RLIMIT_NPROC, &few) != 0 || !become(kAlice)) _exit(1);
                std::uint64_t counts[2] = {};
                for (int n = 0; n < per_child; ++n) {
                    const pid_t one = fork();
                    if (one == 0) _exit(read_path(path).text == kValue ? 0 : 1);
                    if (one < 0) continue;
                    ++counts[0];
                    int status = 1;
                    waitpid(one, &status, 0);
                    counts[1] += status == 0;
                }
                (void)!write(started[1], counts, sizeof counts);
                _exit(0);
            }
            running.push_back(child);
        }
        served += reads_of(mounted, kBob, 200);
        peak = std::max(peak, DaemonUse::of(mounted.daemon()).descriptors);
        for (pid_t child : running) {
            std::uint64_t counts[2] = {};
            REQUIRE(read(started[0], counts, sizeof counts) == sizeof counts);
            forked += counts[0];
            good += counts[1];
            waitpid(child, nullptr, 0);
        }
        close(started[0]);
        close(started[1]);
        CHECK(descriptors_settle(mounted, kBob, path, start.descriptors + 12));
        plateaus.push_back(DaemonUse::of(mounted.daemon()).resident);
    }
    CHECK(served == 400);
    CHECK(good == forked);
    CHECK(forked > static_cast<std::uint64_t>(per_child));
    CHECK(plateaus[1] - plateaus[0] < 1024);
    CHECK(DaemonUse::of(mounted.daemon()).threads == start.threads);
    std::printf(
        "FIGURE: load: short-lived processes of one user: %llu, each served: %llu; reads of another "
        "meanwhile: "
        "%d of 400; descriptors at most %ld, was %ld; resident of the second plateau beyond the first: %ld "
        "KiB\n",
        static_cast<unsigned long long>(forked), static_cast<unsigned long long>(good), served, peak,
        start.descriptors, plateaus[1] - plateaus[0]);
    end_well(mounted);
}

TEST_CASE(
    "callers with all the groups, the deepest cgroup and the largest program that there can be are "
    "answered") {
    TempFolder programs;
    std::filesystem::permissions(programs.path(), std::filesystem::perms(0755));
    const auto huge = programs / "huge";
    std::filesystem::copy_file(LOAD_LATE_READER, huge);
    std::filesystem::permissions(huge, std::filesystem::perms(0755));
    std::filesystem::resize_file(huge, 10ull << 30);  // sparse
    const std::string hash(64, 'a');
    MountedStore mounted(allow(kAlice, kKey, concat("sha256 = \"", hash, '"')) + allow(kBob, kKey) +
                         allow(kCarol, kKey));
    mounted.set(kKey, kValue);
    mounted.start();
    Who crowded = kBob;
    for (gid_t group = 0; group < 65536; ++group) crowded.groups.push_back(100000 + group);
    CHECK(reads_of(mounted, crowded, 50) == 50);
    std::string deep = own_slice() + "d.slice";
    for (int level = 0; level < 12; ++level)
        deep += concat('/', std::string(200, static_cast<char>('a' + level)));
    Cgroup place(deep);
    REQUIRE(place.made());
    CHECK(as(kRoot, [&] {
              if (!place.add(getpid()) || !become(kBob)) return failed();
              int good = 0;
              for (int i = 0; i < 50; ++i) good += read_path(mounted.path(kKey)).text == kValue;
              return Outcome{0, std::to_string(good)};
          }).text == "50");
    // Refused by its size, and not read.
    for (int i = 0; i < 8; ++i) {
        int in[2];
        REQUIRE(pipe2(in, O_CLOEXEC) == 0);
        REQUIRE(write(in[1], "g", 1) == 1);
        const Outcome seen = run_as(kAlice, {huge, mounted.path(kKey)}, [&] { return dup2(in[0], 0) == 0; });
        CHECK(seen.text == concat("rerrno ", ENOENT));
        close(in[0]);
        close(in[1]);
    }
    CHECK(reads_of(mounted, kCarol, 50) == 50);
    end_well(mounted);
}
