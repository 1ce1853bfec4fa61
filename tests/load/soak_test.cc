// SPDX-License-Identifier: Apache-2.0
//
// Everything mixed for a long time, on a mount that coffer-mount holds: readers, strangers, slow handles,
// commits of every kind, reloads, rotations of keys and of the audit, peers at the credential socket,
// templates, tasks, and in the first quarter daemons that die and follow each other. From then on it is one
// daemon, which must not grow.
#include <algorithm>
#include <map>

#include "audit_count.h"
#include "change/rotation.h"
#include "daemon_use.h"
#include "nuisance.h"
#include "support/loader.h"
#include "support/readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kFolder = "acme/checkout/production/", kKey = "acme/checkout/production/KEY",
                           kRendered = "acme/checkout/production/app.conf";
constexpr int kValues = 100, kChurned = 40;

std::chrono::seconds duration() {
    if (!is_long()) return std::chrono::seconds(20);
    return std::chrono::minutes(number_from_environment("COFFER_TEST_SOAK_MINUTES", 20));
}

struct Sample {
    double second = 0;
    DaemonUse use;
    std::uint64_t commits = 0, open_files = 0, audit = 0, view = 0, log = 0;
};

std::uint64_t size_of(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::is_regular_file(path, error)) return std::filesystem::file_size(path, error);
    std::uint64_t out = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path, error))
        if (entry.is_regular_file(error)) out += entry.file_size(error);
    return out;
}

// KiB by which the resident memory grows over these samples, by the line of least squares.
double growth(std::span<const Sample> samples) {
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (const Sample& one : samples) {
        const auto resident = static_cast<double>(one.use.resident);
        n += 1;
        x += one.second;
        y += resident;
        xx += one.second * one.second;
        xy += one.second * resident;
    }
    const double across = n * xx - x * x;
    return across > 0 ? (n * xy - x * y) / across * (samples.back().second - samples.front().second) : 0;
}

// KiB that may come to it between the two: pages of the view, of which SQLite keeps up to 16 MiB (three
// quarters of what grew, when that was asked of it: sqlite3_memory_used); for each commit 64 bytes, since
// what was purged and each generation of a key stays known; and 2 MiB for callers, whom the daemon forgets
// after a while.
double allowed(const Sample& first, const Sample& last) {
    const auto difference = [](std::uint64_t before, std::uint64_t after) {
        return static_cast<double>(after > before ? after - before : 0);
    };
    const double pages = std::min(difference(first.view, last.view) / 1024, 16.0 * 1024);
    return 2048 + pages + difference(first.commits, last.commits) / 16;
}

class Soak {
  public:
    Soak()
        : mounted(policy(0),
                  [](Config& config) {
                      config.templates.push_back({must(SecretName::parse(kRendered)),
                                                  config.file.parent_path() / "app.conf.template",
                                                  0440,
                                                  {}});
                  }),
          audit(mounted),
          socket(mounted),
          random_(static_cast<unsigned>(seed())) {
        REQUIRE((unit.made() && task.made()));
        const auto source = mounted.made.folder.write("app.conf.template", "key={{ secret('KEY') }}\n");
        std::filesystem::permissions(source, std::filesystem::perms(0644));
        mounted.in_daemon = [this] { socket.pass(); };
        mounted.set(kKey, value(0));
        mounted.hold();
        mounted.start();
    }

    // One of the things that happen to a store and a daemon, and what has to be seen of it.
    void act() {
        switch (std::uniform_int_distribution<int>(0, 99)(random_)) {
            case 0:
                return reload();
            case 1:
                return rotate_keys();
            case 2:
                return audit.rotate();
            case 3:
            case 4:
                return check_credential();
            case 5:
            case 6:
                return check_task();
            case 7:
            case 8:
                return check_rendered();
            default:
                return std::uniform_int_distribution<int>(0, 2)(random_) == 0 ? set_key() : churn();
        }
    }
    void change_daemon() {
        CHECK(complaints(mounted).empty());
        if (std::uniform_int_distribution<int>(0, 1)(random_) == 0)
            mounted.kill_daemon();
        else
            mounted.stop();
        mounted.start();
        ++daemons;
    }
    [[nodiscard]] Sample sample(double second) const {
        Sample out;
        out.second = second;
        out.use = DaemonUse::of(mounted.daemon());
        out.commits = commits;
        out.open_files = status_of(mounted)["open_files"];
        out.audit = size_of(mounted.config.audit_file);
        out.view = size_of(mounted.config.state / "daemon" / kViewFile);
        out.log = size_of(mounted.config.store);
        return out;
    }
    // Of all that is live, how many do not show what was last set.
    int wrong_at_the_end() {
        int wrong = !shows(kAlice, kKey, value(last_));
        for (const auto& [name, content] : churned_) {
            const auto path = mounted.path(name);
            wrong += content ? !shows(kAlice, name, *content)
                             : !soon([&] { return read_as(kAlice, path).error == ENOENT; });
        }
        return wrong;
    }
    static std::string value(int number) { return concat("value ", number % kValues); }
    static std::set<std::string> values() {
        std::set<std::string> out;
        for (int i = 0; i < kValues; ++i) out.insert(value(i));
        return out;
    }

    MountedStore mounted;
    AuditFiles audit;
    CredentialSocket socket;
    TestUnit unit{"checkout.service"};
    Cgroup task{"coffer-checkout-production.slice"};
    std::uint64_t commits = 0, reloads = 0, rotations = 0, purges = 0, checks = 0, daemons = 1;

  private:
    static std::string policy(std::uint64_t edition) {
        return concat(
            "# ", edition, '\n', allow(kAlice, "acme/**"), allow(kBob, kKey),
            "[[rule]]\nname = \"loaded\"\nsecrets = \"", kKey,
            "\"\nunit = \"checkout.service\"\ncredential = true\n[[rule]]\nname = \"tasks\"\n"
            "secrets = \"acme/{project}/{domain}/*\"\nslice = \"coffer-{project}-{domain}.slice\"\n");
    }
    bool shows(const Who& who, std::string_view name, std::string_view text) const {
        return soon([&] { return read_as(who, mounted.path(name)).text == text; });
    }
    void set_key() {
        mounted.set(kKey, value(++last_));
        ++commits;
    }
    // Set, set again, removed, and its older versions purged.
    void churn() {
        const auto name = concat(kFolder, "CHURN", std::uniform_int_distribution<int>(1, kChurned)(random_));
        auto& content = churned_[name];
        auto& version = versions_[name];
        if (content && std::uniform_int_distribution<int>(0, 2)(random_) == 0) {
            mounted.remove(name);
            content.reset();
            ++commits;
            return;
        }
        const std::uint64_t before = version;
        content = concat(name, ' ', random_());
        version = mounted.made.set(mounted.store, name, *content).version;
        ++commits;
        if (before == 0 || random_() % 2 != 0) return;
        must(purge_version(mounted.store, mounted.made.owner, must(SecretName::parse(name)), before));
        ++commits;
        ++purges;
    }
    void reload() {
        const std::uint64_t before = status_of(mounted)["policy_loads"];
        mounted.write_policy(policy(++reloads));
        mounted.signal(SIGHUP);
        CHECK(soon([&] { return status_of(mounted)["policy_loads"] > before; }));
    }
    void rotate_keys() {
        must(rotate(mounted.store, mounted.made.owner, {.scope = {}, .stale_only = false, .reseal = true}));
        ++commits;
        ++rotations;
    }
    // Who is not systemd's loader gets zeros until systemd would give up; tests/credentials has those who
    // are.
    void check_credential() {
        ++checks;
        CHECK(load(unit, kRoot, socket.path(), claim_for("checkout.service", "KEY")).error == E2BIG);
    }
    void check_task() {
        ++checks;
        CHECK(soon([&] {
            return as(kRoot, [&] {
                       return task.add(getpid()) && become(kCarol) ? read_path(mounted.path(kKey)) : failed();
                   }).text == value(last_);
        }));
    }
    void check_rendered() {
        ++checks;
        CHECK(shows(kAlice, kRendered, concat("key=", value(last_), '\n')));
    }

    std::mt19937 random_;
    int last_ = 0;
    std::map<std::string, std::optional<std::string>> churned_;
    std::map<std::string, std::uint64_t> versions_;
};

// What Alice does beside reading: listings, attributes, and handles that stay open over what happens
// meanwhile.
void add_company(Nuisances& to, const MountedStore& mounted) {
    const auto folder = mounted.path(kFolder), key = mounted.path(kKey);
    to.add(kAlice, [folder](std::mt19937&) {
        std::error_code error;
        bool found = false;
        for (std::filesystem::directory_iterator one(folder, error), end; !error && one != end;
             one.increment(error))
            found |= one->path().filename() == "KEY";
        usleep(20000);
        return found;
    });
    to.add(kAlice, [key](std::mt19937&) {
        char buffer[512];
        usleep(5000);
        struct stat status {};
        return stat(key.c_str(), &status) == 0 && listxattr(key.c_str(), buffer, sizeof buffer) >= 0;
    });
    to.add(kAlice, [key](std::mt19937& random) {
        const int fd = open(key.c_str(), O_RDONLY | O_CLOEXEC);
        usleep(static_cast<useconds_t>(random() % 200000));
        char byte = 0;
        const bool good = read(fd, &byte, 1) == 1 && byte == 'v';
        close(fd);
        return good;
    });
}

template <class Field>
void print_range(const char* what, std::span<const Sample> samples, Field field) {
    const auto [least, most] = std::ranges::minmax_element(samples, {}, field);
    std::printf("FIGURE: load: soak: %s: %lld at first, %lld at the end, %lld to %lld\n", what,
                static_cast<long long>(field(samples.front())), static_cast<long long>(field(samples.back())),
                static_cast<long long>(field(*least)), static_cast<long long>(field(*most)));
}

}  // namespace

TEST_CASE("everything mixed for a long time: no read fails, nothing is lost, and the daemon does not grow") {
    INFO("COFFER_TEST_SEED=" << seed());
    Soak soak;
    MountedStore& mounted = soak.mounted;
    std::vector<Sample> samples;
    const auto length = duration();
    std::uint64_t reads = 0, failed = 0, wrong = 0;
    {
        Readers alice(2, kAlice, mounted.path(kKey), Soak::values());
        Readers bob(2, kBob, mounted.path(kKey), Soak::values());
        Nuisances company, strangers;
        add_company(company, mounted);
        add_strangers(strangers, kCarol, mounted, kKey);
        const auto start = Clock::now();
        auto next_sample = start, next_daemon = start + length / 40;
        for (auto now = start; now < start + length; now = Clock::now()) {
            soak.act();
            const bool young = now < start + length / 4;
            if (young && now >= next_daemon) {
                soak.change_daemon();
                next_daemon = Clock::now() + length / 40;
            }
            if (!young && now >= next_sample) {
                samples.push_back(soak.sample(std::chrono::duration<double>(now - start).count()));
                next_sample = now + length / 200;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        for (Readers* each : {&alice, &bob}) {
            CHECK(each->stop() == 0);
            INFO("the last errno " << each->counts().last_error);
            CHECK(each->counts().failed == 0);
            CHECK(each->counts().wrong == 0);
            CHECK(each->counts().good > 0);
            reads += each->counts().good;
            failed += each->counts().failed;
            wrong += each->counts().wrong;
        }
        company.stop();
        strangers.stop();
        CHECK(company.wrong() == 0);
        CHECK(strangers.wrong() == 0);
    }
    REQUIRE(samples.size() > 10);
    const auto later = std::span<const Sample>(samples).subspan(samples.size() / 2);
    const double grown = growth(later);
    const double bound = allowed(later.front(), later.back());
    if (is_long()) CHECK(grown < bound);
    for (const Sample& one : later) {
        CHECK(one.use.threads == later.front().use.threads);
        CHECK(one.use.locked <= later.front().use.locked + 1024);
        CHECK(one.use.descriptors < 200);
        CHECK(one.open_files < 40);
    }
    CHECK(descriptors_settle(mounted, kBob, mounted.path(kKey), 40));
    CHECK(soak.wrong_at_the_end() == 0);
    end_well(mounted);
    CHECK(mounted.holder->stop() == 0);
    CHECK_FALSE(mounted.is_mounted());
    CHECK(soak.audit.verifies());
    CHECK(run_tool({"coffer", "verify", "--config", mounted.config.file}).status == 0);

    std::printf(
        "FIGURE: load: soak of %lld s: %llu reads, failed %llu, wrong %llu; %llu commits (%llu purges, %llu "
        "rotations of "
        "keys), %llu reloads, %zu rotations of the audit, %llu daemons, %llu credentials, tasks and "
        "templates\n",
        static_cast<long long>(length.count()), static_cast<unsigned long long>(reads),
        static_cast<unsigned long long>(failed), static_cast<unsigned long long>(wrong),
        static_cast<unsigned long long>(soak.commits), static_cast<unsigned long long>(soak.purges),
        static_cast<unsigned long long>(soak.rotations), static_cast<unsigned long long>(soak.reloads),
        soak.audit.rotations(), static_cast<unsigned long long>(soak.daemons),
        static_cast<unsigned long long>(soak.checks));
    std::printf("FIGURE: load: soak: growth over the second half: %.0f KiB, bound %.0f KiB%s\n", grown, bound,
                is_long() ? "" : " (not held to it: too short)");
    print_range("resident, KiB", samples, [](const Sample& one) { return one.use.resident; });
    print_range("locked, KiB", samples, [](const Sample& one) { return one.use.locked; });
    print_range("descriptors", samples, [](const Sample& one) { return one.use.descriptors; });
    print_range("threads", samples, [](const Sample& one) { return one.use.threads; });
    print_range("handles", samples, [](const Sample& one) { return one.open_files; });
    print_range("store, bytes", samples, [](const Sample& one) { return one.log; });
    print_range("view, bytes", samples, [](const Sample& one) { return one.view; });
    print_range("audit file, bytes", samples, [](const Sample& one) { return one.audit; });
}
