// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <sys/resource.h>

#include <csignal>

#include "audit_case.h"
#include "support/in_child.h"

using namespace coffer;
using namespace coffer::test;

TEST_CASE("repeats within a second are counted, not written") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open_log(file);
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
    CHECK(*verify_audit(read_text(file)) == lines.size());
}

TEST_CASE("every repeat is in some count when the log is stopped") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    {
        auto log = open_log(file);
        for (int i = 0; i < 30; ++i) REQUIRE(log->record(caller(1 + i % 3), kAllow));
    }
    for (pid_t tgid : {1, 2, 3}) CHECK(times(file, tgid) == 10);
    CHECK(verify_audit(read_text(file)));
}

TEST_CASE("a count that is due is written once") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    for (int i = 0; i < 5; ++i) REQUIRE(log->record(caller(), kAllow));
    REQUIRE(log->flush(true));
    REQUIRE(log->flush(true));
    CHECK(times(file, 100) == 5);
    REQUIRE(log->record(caller(), kAllow));
    CHECK(lines_of(file).back()["kind"] == "decision");  // the count was closed: this is a new one
    CHECK(times(file, 100) == 6);
}

TEST_CASE("what differs in the user, the group, the cgroup, the program or the answer is no repeat") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    std::vector<Caller> callers(7, caller());
    callers[1].ids.fsuid = 7;
    callers[2].ids.fsgid = 7;
    callers[3].cgroup_id = 7;
    callers[4].exe.inode = 7;
    callers[5].exe.device = 7;
    callers[6].start_ticks = 7;
    for (const Caller& one : callers) REQUIRE(log->record(one, kAllow));
    REQUIRE(log->record(caller(), kDeny));
    CHECK(lines_of(file).size() == callers.size() + 1);
    // Two threads that could not be attested are two.
    Caller unknown;
    for (pid_t tid : {8, 9}) {
        unknown.tid = tid;
        REQUIRE(log->record(unknown, kDeny));
    }
    CHECK(lines_of(file).size() == callers.size() + 3);
}

TEST_CASE("ten thousand callers in a second are each on record, and counted right") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    constexpr int kCallers = 10000;
    {
        auto log = open_log(file);
        for (int i = 0; i < kCallers; ++i)
            for (int again = 0; again < 2; ++again) REQUIRE(log->record(caller(1 + i), kAllow));
    }
    std::uint64_t decisions = 0, counted = 0;
    for (const auto& line : lines_of(file)) {
        if (line["kind"] == "decision")
            ++decisions;
        else
            counted += line["count"].get<std::uint64_t>();
    }
    CHECK(decisions >= kCallers);
    CHECK(decisions + counted == 2 * kCallers);
    CHECK(verify_audit(read_text(file)));
}

TEST_CASE("memory for counting is bounded, however many callers there are") {
    TempFolder folder;
    auto log = open_log(folder / "audit.jsonl");
    const std::string reason(2000, 'r');
    AuditEvent event = kDeny;
    event.reason = reason;
    const auto before = mallinfo2().uordblks;
    for (int i = 0; i < 50000; ++i) REQUIRE(log->record(caller(1 + i), event));
    CHECK(mallinfo2().uordblks - before < 32u << 20);  // without a bound it is 100 MB
}

TEST_CASE("a decision that would only be counted is refused while the log cannot be written") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    int status = in_child([&] {
        signal(SIGXFSZ, SIG_IGN);
        auto opened = AuditLog::open({file, {}});
        if (!opened) return 1;
        AuditLog& log = **opened;
        if (!log.record(caller(1), kAllow) || !log.record(caller(1), kAllow)) return 2;
        struct rlimit limit {};
        if (getrlimit(RLIMIT_FSIZE, &limit) != 0) return 3;
        const struct rlimit full { std::filesystem::file_size(file), limit.rlim_max };
        if (setrlimit(RLIMIT_FSIZE, &full) != 0) return 4;
        if (log.record(caller(2), kAllow)) return 5;
        if (log.record(caller(1), kAllow)) return 6;  // known, and yet
        if (log.flush(true)) return 7;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 8;
        return log.record(caller(1), kAllow) && log.flush(true) ? 0 : 9;
    });
    REQUIRE(status == 0);
    CHECK(times(file, 1) == 4);  // no count was lost meanwhile
    CHECK(times(file, 2) == 0);
    CHECK(verify_audit(read_text(file)));
}
