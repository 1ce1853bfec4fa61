// SPDX-License-Identifier: Apache-2.0
//
// What the daemon writes down, and what it does when that cannot be written: a file system that is full, a
// journal that takes nothing.
#include <sys/mman.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "access/audit/audit_chain.h"
#include "access/audit/audit_journal.h"
#include "support/journal_receiver.h"
#include "support/mounted_store.h"
#include "support/private_mounts.h"
#include "support/tool.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kScope = "acme/checkout/production/";
constexpr int kSecrets = 40;  // their records take more than a page

// A small file system for the audit log. It must outlive the daemon.
class SmallDisk {
  public:
    explicit SmallDisk(std::filesystem::path path) : path_(std::move(path)) {
        std::filesystem::create_directory(path_);
        REQUIRE(::mount("none", path_.c_str(), "tmpfs", MS_NOSUID, "size=16k,mode=0700") == 0);
    }
    ~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    void fill() const {
        std::ofstream file(path_ / "filler", std::ios::app);
        const std::string page(4096, 'x');
        while (file << page << std::flush) {
        }
    }
    void free() const { std::filesystem::remove(path_ / "filler"); }

  private:
    std::filesystem::path path_;
};

// Where libsystemd and everybody else finds the journal.
std::filesystem::path journal_socket() {
    std::filesystem::create_directories(std::filesystem::path(kJournalSocket).parent_path());
    return kJournalSocket;
}

std::string records_of(const std::vector<JournalFields>& entries) {
    std::string out;
    for (const JournalFields& entry : entries) out += entry.at("COFFER_RECORD") + "\n";
    return out;
}

// Processes one after the other, each of which looks at every secret once: its exit status is the number of
// those that it could read.
int readers(int count, const MountedStore& mounted) {
    int read = 0;
    for (int i = 0; i < count; ++i) {
        pid_t child = fork();
        if (child == 0) {
            alarm(kClientPatience / 1000);  // a mount that answers nothing ends it
            int good = 0;
            for (int k = 0; k < kSecrets; ++k)
                good += read_path(mounted.path(concat(kScope, "KEY_", k))).good();
            _exit(good);
        }
        int status = 0;
        waitpid(child, &status, 0);
        read += WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    }
    return read;
}

std::string key(int number) {
    return concat(kScope, "KEY_", number);
}

}  // namespace

TEST_CASE("what cannot be audited is not served, and is served again when it can be") {
    MountedStore mounted(allow(kAlice, "acme/**"),
                         [](Config& config) { config.audit_file = config.state / "small/audit.jsonl"; });
    std::filesystem::create_directory(mounted.config.state);
    std::filesystem::permissions(mounted.config.state, std::filesystem::perms(0700));
    SmallDisk disk(mounted.config.state / "small");
    for (int i = 0; i < kSecrets; ++i) mounted.set(key(i), "x");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(key(0))).text == "x");
    disk.fill();
    int refused = -1;
    for (int i = 1; i < kSecrets && refused < 0; ++i) {
        Outcome seen = read_as(kAlice, mounted.path(key(i)));
        if (!seen.good()) {
            CHECK(seen.error == EACCES);
            refused = i;
        }
    }
    REQUIRE(refused > 0);
    CHECK(read_as(kAlice, mounted.path(key(refused))).error == EACCES);
    CHECK(read_as(kRoot, mounted.path(".coffer/status.json")).text.find("audit") != std::string::npos);
    disk.free();
    CHECK(read_as(kAlice, mounted.path(key(refused))).text == "x");
    CHECK(read_as(kRoot, mounted.path(".coffer/status.json")).text.find("audit log") == std::string::npos);
    mounted.stop();
    // The half line of the full disk was closed, and the chain goes on.
    auto lines = verify_audit(mounted.audit());
    INFO((lines ? "" : lines.error().message));
    CHECK(lines.has_value());
}

TEST_CASE("with audit = best-effort it is served, and the alarm is raised") {
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) {
        config.audit_file = config.state / "small/audit.jsonl";
        config.audit_required = false;
    });
    std::filesystem::create_directory(mounted.config.state);
    std::filesystem::permissions(mounted.config.state, std::filesystem::perms(0700));
    SmallDisk disk(mounted.config.state / "small");
    for (int i = 0; i < kSecrets; ++i) mounted.set(key(i), "x");
    mounted.start();
    disk.fill();
    for (int i = 0; i < kSecrets; ++i) CHECK(read_as(kAlice, mounted.path(key(i))).text == "x");
    CHECK(read_as(kRoot, mounted.path(".coffer/status.json")).text.find("audit") != std::string::npos);
    disk.free();
    mounted.stop();
}

TEST_CASE("ten thousand decisions about many processes at once, over a rotation, verify clean") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    for (int i = 0; i < kSecrets; ++i) mounted.set(key(i), "x");
    mounted.start();
    // The kernel knows the folders from here on; before that Bob gets no further than the first of them.
    REQUIRE(read_as(kAlice, mounted.path(key(0))).good());
    constexpr int kAtOnce = 5, kProcesses = 52;  // times 40 secrets: 10,400
    // What each could read, told through shared memory: it is more than an exit status holds.
    auto* read =
        static_cast<int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    REQUIRE(read != MAP_FAILED);
    std::vector<pid_t> clients;
    for (int i = 0; i < kAtOnce; ++i) {
        clients.push_back(fork());
        if (clients.back() != 0) continue;
        if (!become(i == 0 ? kBob : kAlice)) _exit(1);
        read[i] = readers(kProcesses, mounted);
        _exit(0);
    }
    const auto file = mounted.config.audit_file, old = mounted.made.folder / "audit.jsonl.1";
    REQUIRE(soon([&] { return mounted.audit_lines({"decision"}) > 1000; }));
    std::filesystem::rename(file, old);
    mounted.signal(SIGHUP);
    for (int i = 0; i < kAtOnce; ++i) {
        int status = -1;
        CHECK(waitpid(clients[static_cast<std::size_t>(i)], &status, 0) > 0);
        CHECK(status == 0);
        CHECK(read[i] == (i == 0 ? 0 : kProcesses * kSecrets));
    }
    munmap(read, 4096);
    mounted.stop();

    // Who was told what about which secret; a refused open may be a look-up and an open, two decisions.
    std::map<std::string, std::set<std::pair<pid_t, std::string>>> decisions;
    for (const auto& one : {old, file}) {
        std::istringstream lines(file_text(one));
        for (std::string line; std::getline(lines, line);) {
            auto record = nlohmann::json::parse(line);
            if (record["kind"] == "decision")
                decisions[record["decision"]].emplace(record["tgid"], record["path"]);
        }
    }
    CHECK(decisions["allow"].size() == 1 + (kAtOnce - 1) * kProcesses * kSecrets);
    CHECK(decisions["deny"].size() == kProcesses * kSecrets);
    CHECK(file_text(file).find("\"kind\":\"continued\"") != std::string::npos);
    Said verified = run_tool({"coffer", "audit", "verify", old, file});
    INFO(verified.text);
    CHECK(verified.status == 0);
    CHECK(run_tool({"coffer", "audit", "verify", "--config", mounted.config.file}).status == 0);
    CHECK(run_tool({"coffer", "audit", "verify", file, old}).status == 6);
}

TEST_CASE("neither a value nor its length is in the audit log or in the journal") {
    PrivateRun run;
    JournalReceiver journal(journal_socket());
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) { config.audit_journal = true; });
    // A length that no process has as its number by chance, with what a payload adds to it looked for as
    // well.
    const std::string token = "correct-horse-battery-staple.";
    std::string value;
    while (value.size() < 1048573) value += token;
    value.resize(1048573);
    mounted.set(key(1), value);
    mounted.set(key(2), token);
    mounted.start();
    std::vector<JournalFields> entries;
    for (int i : {1, 2}) {
        CHECK(read_as(kAlice, mounted.path(key(i))).text == (i == 1 ? value : token));
        CHECK_FALSE(read_as(kBob, mounted.path(key(i))).good());
        for (auto& entry : journal.take()) entries.push_back(std::move(entry));
    }
    mounted.remove(key(1));
    mounted.stop();
    for (auto& entry : journal.take()) entries.push_back(std::move(entry));
    REQUIRE(mounted.audit_lines({"\"decision\":\"allow\""}) == 2);
    REQUIRE(mounted.audit_lines({"\"decision\":\"deny\""}) >= 2);
    CHECK(records_of(entries) == mounted.audit());
    std::string everything = mounted.audit();
    for (const JournalFields& entry : entries) {
        for (const auto& [name, content] : entry) everything += concat(name, '=', content, '\n');
    }
    for (std::string_view part : {"horse", "Y29ycmVjdC1ob3JzZ", "636f72726563742d", "1048573", "1048576"})
        CHECK(everything.find(part) == std::string::npos);
    // Of the short value's length nothing but its digits could be told: no member has such a number.
    std::istringstream lines(mounted.audit());
    for (std::string line; std::getline(lines, line);) {
        auto record = nlohmann::json::parse(line);
        for (const char* known : {"seq", "tid", "tgid", "uid", "gid", "version", "of", "count"})
            record.erase(known);
        for (const auto& [name, member] : record.items()) {
            INFO(name);
            CHECK_FALSE(member.is_number());
        }
    }
}

TEST_CASE("with the journal alone, what it does not take is not served") {
    PrivateRun run;
    auto journal = std::make_unique<JournalReceiver>(journal_socket());
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) {
        config.audit_file.clear();
        config.audit_journal = true;
    });
    for (int i = 0; i < 3; ++i) mounted.set(key(i), "x");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(key(0))).text == "x");
    std::vector<JournalFields> entries = journal->take();
    // Gone.
    journal.reset();
    CHECK(read_as(kAlice, mounted.path(key(1))).error == EACCES);
    std::filesystem::remove(kJournalSocket);
    CHECK(read_as(kAlice, mounted.path(key(1))).error == EACCES);
    // There again, and full: every request is answered, with a refusal, and nothing is kept for later.
    journal = std::make_unique<JournalReceiver>(kJournalSocket);
    Outcome seen;
    for (int i = 0; i < 2000 && seen.good(); ++i) seen = read_as(kAlice, mounted.path(key(2)));
    CHECK(seen.error == EACCES);
    for (int i = 0; i < 20; ++i) CHECK(read_as(kAlice, mounted.path(key(1))).error == EACCES);
    for (auto& entry : journal->take()) entries.push_back(std::move(entry));
    CHECK(read_as(kAlice, mounted.path(key(1))).text == "x");
    mounted.stop();
    for (auto& entry : journal->take()) entries.push_back(std::move(entry));
    int reads_of_1 = 0;
    for (const JournalFields& entry : entries) {
        auto path = entry.find("COFFER_PATH");
        reads_of_1 += path != entry.end() && path->second == key(1) ? 1 : 0;
    }
    CHECK(reads_of_1 == 1);
    CHECK(verify_audit(records_of(entries)));
    CHECK(entries.back().at("COFFER_KIND") == "stop");
}

TEST_CASE("cofferd does not start when the journal that it needs is not there") {
    PrivateRun run;
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) { config.audit_journal = true; });
    CHECK(mounted.start_refused() == 1);
    CHECK(mounted.log().find("journal") != std::string::npos);
}
