// SPDX-License-Identifier: Apache-2.0
#include "access/audit.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "support/catch.h"
#include "support/in_child.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::TempFolder;

namespace {

std::string read_all(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<nlohmann::json> lines_of(const std::filesystem::path& path) {
    std::istringstream in(read_all(path));
    std::vector<nlohmann::json> out;
    for (std::string line; std::getline(in, line);) out.push_back(nlohmann::json::parse(line));
    return out;
}

Caller caller(pid_t tgid = 100) {
    Caller out;
    out.tid = out.tgid = tgid;
    out.exe.path = "/usr/bin/quote\"and\\slash\xff";
    out.cgroup = read_cgroup_path("/system.slice/checkout.service");
    return out;
}

const AuditEvent kAllow{true, "open", "acme/checkout/production/KEY", "rule", "", 3, "acme/checkout/*"};
const AuditEvent kDeny{false, "lookup", "acme/checkout/production/KEY", "", "no rule allows it", 0, ""};

std::unique_ptr<AuditLog> open(const std::filesystem::path& path) {
    auto log = AuditLog::open(path);
    if (!log) FAIL(log.error().message);
    return std::move(*log);
}

}  // namespace

TEST_CASE("a decision is one line of JSON with who, what and why, and a chain that holds") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open(file);
        REQUIRE(log->record(caller(), kAllow));
        REQUIRE(log->record(caller(), kDeny));
        REQUIRE(log->note("start", "version 1"));
    }
    auto lines = lines_of(file);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0]["decision"] == "allow");
    CHECK(lines[0]["path"] == "acme/checkout/production/KEY");
    CHECK(lines[0]["rule"] == "rule");
    CHECK(lines[0]["version"] == 3);
    CHECK(lines[0]["unit"] == "checkout.service");
    CHECK(lines[0]["tgid"] == 100);
    CHECK(lines[1]["decision"] == "deny");
    CHECK(lines[1]["reason"] == "no rule allows it");
    CHECK(lines[2]["kind"] == "start");
    CHECK(*verify_audit(read_all(file)) == 3);
    struct stat status {};
    REQUIRE(stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("the chain goes on when the log is opened again") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    for (int i = 0; i < 3; ++i) REQUIRE(open(file)->record(caller(), kAllow));
    CHECK(*verify_audit(read_all(file)) == 3);
    CHECK(lines_of(file)[2]["seq"] == 3);
}

TEST_CASE("a changed, removed or swapped line breaks the chain") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open(file);
        for (int i = 0; i < 4; ++i) REQUIRE(log->record(caller(100 + i), kAllow));
    }
    std::string text = read_all(file);
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line + "\n");
    CHECK_FALSE(verify_audit(lines[0] + lines[2] + lines[3]));
    CHECK_FALSE(verify_audit(lines[0] + lines[2] + lines[1] + lines[3]));
    CHECK_FALSE(verify_audit(lines[0] + lines[0] + lines[1]));
    std::string changed = text;
    changed.replace(changed.find("\"tgid\":102"), 10, "\"tgid\":999");
    CHECK_FALSE(verify_audit(changed));
    CHECK_FALSE(verify_audit(text + "junk\n"));
    CHECK_FALSE(verify_audit(lines[2] + lines[3]));  // without its beginning
}

TEST_CASE("repeats within a second are counted, not written") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open(file);
        for (int i = 0; i < 50; ++i) REQUIRE(log->record(caller(), kAllow));
        REQUIRE(log->record(caller(101), kAllow));
        REQUIRE(log->flush(true));
    }
    auto lines = lines_of(file);
    std::uint64_t counted = 0;
    for (const auto& line : lines)
        counted += line["kind"] == "decision" ? 1 : line["count"].get<std::uint64_t>();
    CHECK(counted == 51);
    CHECK(lines.size() < 20);
    CHECK(*verify_audit(read_all(file)) == lines.size());
}

TEST_CASE("many threads write whole lines in one chain") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open(file);
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 100; ++i) (void)log->record(caller(1000 * t + i), kAllow);
            });
        for (auto& thread : threads) thread.join();
    }
    CHECK(*verify_audit(read_all(file)) == 400);
}

TEST_CASE("a line that a crash cut short is closed and said so") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    REQUIRE(open(file)->record(caller(), kAllow));
    std::ofstream(file, std::ios::app) << "{\"seq\":2,\"time\":\"20";
    REQUIRE(open(file)->record(caller(), kAllow));
    CHECK(*verify_audit(read_all(file)) == 3);
}

TEST_CASE("a log that others can read, a link and a file of something else are refused") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    std::ofstream(file) << "no audit log\n";
    CHECK_FALSE(AuditLog::open(file));  // readable by others
    chmod(file.c_str(), 0600);
    auto other = AuditLog::open(file);
    REQUIRE_FALSE(other);
    CHECK(other.error().code == Code::tampered);
    std::filesystem::create_symlink(file, folder / "link");
    CHECK_FALSE(AuditLog::open(folder / "link"));
    CHECK(read_all(file) == "no audit log\n");
}

TEST_CASE("after a rotation the chain goes on in the new file") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open(file);
    REQUIRE(log->record(caller(1), kAllow));
    std::filesystem::rename(file, folder / "audit.jsonl.1");
    REQUIRE(log->reopen());
    REQUIRE(log->record(caller(2), kAllow));
    auto lines = lines_of(file);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["seq"] == 2);
    CHECK(lines[0]["kind"] == "continued");
    CHECK(lines[0]["previous"] == lines_of(folder / "audit.jsonl.1")[0]["hash"]);
    CHECK(*verify_audit(read_all(folder / "audit.jsonl.1") + read_all(file)) == 3);
    CHECK(*verify_audit(read_all(file)) == 2);
    std::string text = read_all(file);
    CHECK_FALSE(verify_audit(text.substr(text.find('\n') + 1)));
    CHECK_FALSE(verify_audit(text + text));
}

TEST_CASE("reopening a log that was not moved changes nothing") {
    TempFolder folder;
    auto log = open(folder / "audit.jsonl");
    REQUIRE(log->record(caller(1), kAllow));
    REQUIRE(log->reopen());
    REQUIRE(log->record(caller(2), kAllow));
    CHECK(*verify_audit(read_all(folder / "audit.jsonl")) == 2);
}

TEST_CASE("a log has one writer") {
    TempFolder folder;
    auto log = open(folder / "audit.jsonl");
    auto second = AuditLog::open(folder / "audit.jsonl");
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Code::unavailable);
    log.reset();
    CHECK(AuditLog::open(folder / "audit.jsonl"));
}

TEST_CASE("a full disk is an error, and once there is room the chain goes on") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    int status = test::in_child([&] {
        signal(SIGXFSZ, SIG_IGN);
        auto log = AuditLog::open(file);
        if (!log || !(*log)->record(caller(1), kAllow)) return 1;
        struct rlimit limit {};
        if (getrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
        const struct rlimit full { std::filesystem::file_size(file) + 10, limit.rlim_max };
        if (setrlimit(RLIMIT_FSIZE, &full) != 0) return 3;
        if ((*log)->record(caller(2), kAllow)) return 4;  // ten bytes are written
        if ((*log)->record(caller(2), kAllow)) return 5;  // none is
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 6;
        return (*log)->record(caller(3), kAllow) && (*log)->note("start", "") ? 0 : 7;
    });
    REQUIRE(status == 0);
    CHECK(*verify_audit(read_all(file)) == 4);  // with the one that tells of the half line
    std::string text = read_all(file);
    CHECK(text.find("\"kind\":\"torn\"") != std::string::npos);
    CHECK(text.find("\"tgid\":2") == std::string::npos);
}
