// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "audit_case.h"
#include "support/in_child.h"

using namespace coffer;
using namespace coffer::test;

TEST_CASE("a decision is one line of JSON with who, what and why, and a chain that holds") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open_log(file);
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
    CHECK(*verify_audit(read_text(file)) == 3);
    struct stat status {};
    REQUIRE(stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("the chain goes on when the log is opened again") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    for (int i = 0; i < 3; ++i) REQUIRE(open_log(file)->record(caller(), kAllow));
    CHECK(*verify_audit(read_text(file)) == 3);
    CHECK(lines_of(file)[2]["seq"] == 3);
}

TEST_CASE("many threads write whole lines in one chain") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open_log(file);
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&, t] {
                for (int i = 0; i < 100; ++i) (void)log->record(caller(1000 * t + i), kAllow);
            });
        for (auto& thread : threads) thread.join();
    }
    CHECK(*verify_audit(read_text(file)) == 400);
}

TEST_CASE("a line that a crash cut short is closed and said so") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    REQUIRE(open_log(file)->record(caller(), kAllow));
    std::ofstream(file, std::ios::app) << "{\"seq\":2,\"time\":\"20";
    REQUIRE(open_log(file)->record(caller(), kAllow));
    CHECK(*verify_audit(read_text(file)) == 3);
}

TEST_CASE("a log that others can read, a link and a file of something else are refused") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    std::ofstream(file) << "no audit log\n";
    CHECK_FALSE(AuditLog::open({file, {}}));  // readable by others
    chmod(file.c_str(), 0600);
    auto other = AuditLog::open({file, {}});
    REQUIRE_FALSE(other);
    CHECK(other.error().code == Code::tampered);
    std::filesystem::create_symlink(file, folder / "link");
    CHECK_FALSE(AuditLog::open({folder / "link", {}}));
    CHECK(read_text(file) == "no audit log\n");
}

TEST_CASE("a log has one writer") {
    TempFolder folder;
    auto log = open_log(folder / "audit.jsonl");
    auto second = AuditLog::open({folder / "audit.jsonl", {}});
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Code::unavailable);
    log.reset();
    CHECK(AuditLog::open({folder / "audit.jsonl", {}}));
}

TEST_CASE("a full disk is an error, and once there is room the chain goes on") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    int status = test::in_child([&] {
        signal(SIGXFSZ, SIG_IGN);
        auto log = AuditLog::open({file, {}});
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
    CHECK(*verify_audit(read_text(file)) == 4);  // with the one that tells of the half line
    std::string text = read_text(file);
    CHECK(text.find("\"kind\":\"torn\"") != std::string::npos);
    CHECK(text.find("\"tgid\":2") == std::string::npos);
}
