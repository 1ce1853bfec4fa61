// SPDX-License-Identifier: Apache-2.0
//
// gate_bench: what the gate adds to a request: attesting a caller, the policy, the audit. The gate is the
// daemon's own, asked about a living process with two threads, in a unit of its own where a cgroup can be
// made; no FUSE between. Pinned to one CPU, medians over rounds. Exit status: 0 within the limits, 1 above
// one or failed, 2 usage. As root.
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "access/attest/exe_hasher.h"
#include "pin.h"
#include "serve/gate.h"

namespace {

using namespace coffer;
using Clock = std::chrono::steady_clock;

constexpr int kRounds = 9;
constexpr const char* kUnit = "coffer-bench.service";

template <class T>
T must(Result<T> result) {
    if (result) return *std::move(result);
    throw std::runtime_error(result.error().message);
}

// A child with a second thread, that waits until it is killed, or this process ends.
class Subject {
  public:
    Subject() {
        int ready[2];
        if (pipe(ready) != 0) throw std::runtime_error("pipe failed");
        pid_ = fork();
        if (pid_ == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            std::thread second([&] {
                auto tid = static_cast<pid_t>(syscall(SYS_gettid));
                if (write(ready[1], &tid, sizeof tid) != sizeof tid) _exit(1);
                for (;;) pause();
            });
            for (;;) pause();
        }
        if (read(ready[0], &second_, sizeof second_) != sizeof second_) throw std::runtime_error("no child");
        close(ready[0]);
        close(ready[1]);
    }
    ~Subject() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    [[nodiscard]] Requester first() const { return {pid_, 0, 0}; }
    [[nodiscard]] Requester second() const { return {second_, 0, 0}; }
    [[nodiscard]] pid_t pid() const { return pid_; }

  private:
    pid_t pid_ = 0, second_ = 0;
};

// A cgroup named like a unit, in the hierarchy that names units; not made where that is not allowed.
class Unit {
  public:
    Unit() {
        const std::filesystem::path base = "/sys/fs/cgroup";
        path_ = (std::filesystem::exists(base / "systemd/cgroup.procs") ? base / "systemd" : base) / kUnit;
        std::error_code problem;
        std::filesystem::create_directory(path_, problem);
        made_ = std::filesystem::exists(path_ / "cgroup.procs");
    }
    ~Unit() {
        std::error_code problem;
        for (int tries = 0; tries < 1000 && std::filesystem::exists(path_, problem); ++tries) {
            if (!std::filesystem::remove(path_, problem)) usleep(1000);
        }
    }
    Unit(const Unit&) = delete;
    Unit& operator=(const Unit&) = delete;
    [[nodiscard]] bool made() const { return made_; }
    void add(pid_t process) const { std::ofstream(path_ / "cgroup.procs") << process << std::flush; }

  private:
    std::filesystem::path path_;
    bool made_ = false;
};

// `count` rules by unit, user and exe, of which the last names the subject; with `sha256`, by its hash as
// well.
std::shared_ptr<const Policy> make_policy(int count, bool unit, const std::string& sha256 = {}) {
    const std::string exe = std::filesystem::read_symlink("/proc/self/exe");
    std::vector<PolicySource> files;  // of a thousand rules, since a file has at most 1 MiB
    for (int i = 1; i < count; ++i) {
        if (i % 1000 == 1) files.push_back({concat("bench-", i, ".toml"), {}});
        files.back().text += concat("[[rule]]\nname = \"service ", i, "\"\nsecrets = \"acme/project-", i,
                                    "/production/*\"\nuser = \"root\"\nunit = \"service-", i,
                                    ".service\"\nexe = \"/usr/bin/service-", i, "\"\n");
    }
    std::string last = concat(
        "[[rule]]\nname = \"the subject\"\nsecrets = \"acme/b/c/*\"\nuser = \"root\"\nexe = \"", exe, "\"\n");
    if (unit) last += concat("unit = \"", kUnit, "\"\n");
    if (!sha256.empty()) last += concat("sha256 = \"", sha256, "\"\n");
    files.push_back({"subject.toml", std::move(last)});
    return must(Policy::parse(files));
}

// Microseconds for one call, the median of the rounds.
double measure(int repeats, const std::function<void()>& call) {
    std::vector<double> rounds;
    for (int round = 0; round < kRounds; ++round) {
        auto start = Clock::now();
        for (int i = 0; i < repeats; ++i) call();
        rounds.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count() / repeats);
    }
    std::ranges::nth_element(rounds, rounds.begin() + kRounds / 2);
    return rounds[kRounds / 2];
}

struct Entry {
    std::string name;
    double value = 0, limit = 0;  // microseconds, or a ratio; limit 0: none
    const char* unit = "us";
};

void need(bool good) {
    if (!good) throw std::runtime_error("the gate refuses the subject");
}

std::vector<Entry> run(int repeats, const std::filesystem::path& folder) {
    Unit unit;
    auto attestor = must(Attestor::create(AttestMethod::automatic));
    auto audit = must(AuditLog::open({folder / "audit.jsonl", {}}));
    Status status;
    Gate gate(*attestor, *audit, status, {});
    Subject subject;
    if (unit.made()) unit.add(subject.pid());
    const Target target{{"acme", "b", "c", "KEY"}, 1, "acme/b/c"};

    auto open = [&](const Requester& who, const Target& what) {
        auto pass = gate.check_open(who, what);
        need(pass && gate.admit_open(*pass, who, what));
    };
    auto lookup = [&] { need(gate.check_lookup(subject.first(), target).has_value()); };
    auto open_again = [&] { open(subject.first(), target); };
    int number = 0;
    std::string key;
    auto open_another = [&] {
        key = concat("KEY_", ++number);
        open(subject.first(), {{"acme", "b", "c", key}, 1, "acme/b/c"});
    };

    std::vector<Entry> out;
    gate.set_policy(make_policy(100, unit.made()));
    out.push_back({"LOOKUP", measure(repeats, lookup), 6});
    out.push_back({"OPEN, counted with others of this second", measure(repeats, open_again), 8});
    out.push_back({"OPEN, with an audit line of its own", measure(repeats, open_another), 0});

    auto pass = gate.check_open(subject.first(), target);
    need(pass.has_value());
    OpenFile file;
    file.opener = pass->visitor.attested;
    file.policy_generation = pass->visitor.policy_generation;
    auto read_by = [&](const Requester& who) {
        return [&gate, &file, &target, who] { need(gate.check_read(who, file, {&target, 1}).has_value()); };
    };
    out.push_back({"READ by the opener's thread", measure(repeats, read_by(subject.first())), 3});
    // The other thread is known by now: this is what each of its reads costs.
    out.push_back({"READ by another thread of it", measure(repeats, read_by(subject.second())), 5});

    std::vector<std::unique_ptr<Subject>> fresh(200);
    for (auto& one : fresh) {
        one = std::make_unique<Subject>();
        if (unit.made()) unit.add(one->pid());
    }
    std::vector<double> first, later;
    for (auto& one : fresh) {
        for (auto* times : {&first, &later}) {
            auto start = Clock::now();
            need(gate.check_lookup(one->first(), target).has_value());
            times->push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
        }
    }
    std::ranges::sort(first);
    std::ranges::sort(later);
    out.push_back({"LOOKUP by a new process, beyond a known one's", first[100] - later[100], 25});
    fresh.clear();

    const double open_100 = measure(repeats, open_again), lookup_100 = measure(repeats, lookup);
    ExeHasher hasher;
    Descriptor self(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    gate.set_policy(make_policy(100, unit.made(), must(hasher.hash(std::move(self))).hex()));
    open_again();
    out.push_back({"OPEN under a sha256 rule, against the same without",
                   measure(repeats, open_again) / open_100, 1.1, "x"});
    gate.set_policy(make_policy(10'000, unit.made()));
    out.push_back({"OPEN under 10,000 rules, against 100", measure(repeats, open_again) / open_100, 2, "x"});
    out.push_back({"LOOKUP under 10,000 rules, against 100", measure(repeats, lookup) / lookup_100, 2, "x"});
    if (!unit.made())
        std::fprintf(stderr, "gate_bench: no cgroup can be made here: the rules name no unit\n");
    return out;
}

int report(const std::vector<Entry>& entries, bool json) {
    bool within = true;
    if (json) std::printf("{\"results\":[");
    const char* separator = "";
    for (const Entry& one : entries) {
        const bool good = one.limit == 0 || one.value <= one.limit;
        within = within && good;
        if (json)
            std::printf("%s{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"limit\":%.2f}", separator,
                        one.name.c_str(), one.value, one.unit, one.limit);
        else if (one.limit == 0)
            std::printf("%-52s %8.2f %-2s\n", one.name.c_str(), one.value, one.unit);
        else
            std::printf("%-52s %8.2f %-2s  limit %5.2f  %s\n", one.name.c_str(), one.value, one.unit,
                        one.limit, good ? "" : "ABOVE THE LIMIT");
        separator = ",";
    }
    if (json) std::printf("]}\n");
    return within ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
    CLI::App app{"Measures what the gate adds to a request"};
    std::filesystem::path folder;
    int cpu = 1, repeats = 4000;
    bool json = false;
    app.add_option("folder", folder, "an empty folder for the audit log")
        ->required()
        ->check(CLI::ExistingDirectory);
    app.add_option("--cpu", cpu, "the CPU that everything is pinned to")->check(CLI::NonNegativeNumber);
    app.add_option("--repeats", repeats, "calls in a round")->check(CLI::Range(1, 10000000));
    app.add_flag("--json", json, "one JSON object instead of a table");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    pin(cpu);
    return report(run(repeats, folder), json);
} catch (const std::exception& error) {
    std::fprintf(stderr, "gate_bench: %s\n", error.what());
    return 1;
}
