// SPDX-License-Identifier: Apache-2.0
//
// The journal as the audit log's sink: a datagram socket that reads the real protocol.
#include "access/audit/audit_journal.h"

#include "audit_case.h"
#include "support/journal_receiver.h"

using namespace coffer;
using namespace coffer::test;

namespace {

std::string records_of(const std::vector<JournalFields>& entries) {
    std::string out;
    for (const JournalFields& entry : entries) out += entry.at("COFFER_RECORD") + "\n";
    return out;
}

// More callers than a socket's queue can hold records of, each asking once: the error of the first refusal.
std::optional<Error> ask_until_refused(AuditLog& log, pid_t first = 1000) {
    for (pid_t tgid = first; tgid < first + 5000; ++tgid) {
        auto done = log.record(caller(tgid), kAllow);
        if (!done) return done.error();
    }
    return std::nullopt;
}

}  // namespace

TEST_CASE("a decision is one entry of the journal with every field") {
    TempFolder folder;
    JournalReceiver journal(folder / "socket");
    auto log = open_log({}, folder / "socket");
    Caller who = caller(42);
    who.tid = 43;
    who.ids.fsuid = 1001;
    who.ids.fsgid = 1002;
    who.sha256 = Hash{};
    who.cgroup.user_unit = "app.service";
    who.invocation_id = "8f3c";
    REQUIRE(log->record(who, kAllow));
    auto entries = journal.take();
    REQUIRE(entries.size() == 1);
    JournalFields& entry = entries[0];
    CHECK(entry["MESSAGE"].find("allow open acme/checkout/production/KEY to uid 1001, ") == 0);
    CHECK(entry["MESSAGE"].find("checkout.service") != std::string::npos);
    CHECK(entry["MESSAGE_ID"] == kAuditMessageId);
    CHECK(entry["PRIORITY"] == "6");
    CHECK(entry["SYSLOG_IDENTIFIER"] == "cofferd");
    CHECK(entry["COFFER_KIND"] == "decision");
    CHECK(entry["COFFER_DECISION"] == "allow");
    CHECK(entry["COFFER_OPERATION"] == "open");
    CHECK(entry["COFFER_PATH"] == "acme/checkout/production/KEY");
    CHECK(entry["COFFER_VERSION"] == "3");
    CHECK(entry["COFFER_SCOPE"] == "acme/checkout/*");
    CHECK(entry["COFFER_RULE"] == "rule");
    CHECK_FALSE(entry.contains("COFFER_REASON"));
    CHECK(entry["COFFER_TID"] == "43");
    CHECK(entry["COFFER_TGID"] == "42");
    CHECK(entry["COFFER_UID"] == "1001");
    CHECK(entry["COFFER_GID"] == "1002");
    CHECK(entry["COFFER_EXE"] == who.exe.path);
    CHECK(entry["COFFER_SHA256"] == Hash{}.hex());
    CHECK(entry["COFFER_UNIT"] == "checkout.service");
    CHECK(entry["COFFER_USER_UNIT"] == "app.service");
    CHECK(entry["COFFER_INVOCATION_ID"] == "8f3c");
    CHECK(entry["COFFER_SEQ"] == "1");
    CHECK(nlohmann::json::parse(entry["COFFER_RECORD"])["hash"] == entry["COFFER_HASH"]);

    REQUIRE(log->record(who, kDeny));
    REQUIRE(log->record(who, kDeny));
    REQUIRE(log->flush(true));
    REQUIRE(log->note("alarm", "it burns"));
    entries = journal.take();
    REQUIRE(entries.size() == 3);
    CHECK(entries[0]["PRIORITY"] == "5");
    CHECK(entries[0]["COFFER_DECISION"] == "deny");
    CHECK(entries[0]["COFFER_REASON"] == "no rule allows it");
    CHECK(entries[1]["COFFER_KIND"] == "repeat");
    CHECK(entries[1]["COFFER_OF"] == "2");
    CHECK(entries[1]["COFFER_COUNT"] == "1");
    CHECK(entries[2]["COFFER_KIND"] == "alarm");
    CHECK(entries[2]["PRIORITY"] == "4");
    CHECK(entries[2]["COFFER_DETAIL"] == "it burns");
}

TEST_CASE("a program's name cannot pose as fields of the journal") {
    TempFolder folder;
    JournalReceiver journal(folder / "socket");
    auto log = open_log({}, folder / "socket");
    Caller who = caller();
    who.exe.path = "/tmp/x\nCOFFER_DECISION=deny\nPRIORITY=0";
    REQUIRE(log->record(who, kAllow));
    auto entries = journal.take();
    REQUIRE(entries.size() == 1);
    CHECK(entries[0]["COFFER_EXE"] == who.exe.path);
    CHECK(entries[0]["COFFER_DECISION"] == "allow");
    CHECK(entries[0]["PRIORITY"] == "6");
    CHECK(entries[0]["MESSAGE"].find('\n') == std::string::npos);
}

TEST_CASE("the file and the journal have the same chain") {
    TempFolder folder;
    JournalReceiver journal(folder / "socket");
    auto file = folder / "audit.jsonl";
    auto log = open_log(file, folder / "socket");
    for (pid_t tgid : {1, 2, 2, 3}) REQUIRE(log->record(caller(tgid), kAllow));
    REQUIRE(log->flush(true));
    auto entries = journal.take();
    CHECK(records_of(entries) == read_text(file));
    CHECK(entries.size() == 4);
}

TEST_CASE("the journal alone has a chain that holds") {
    TempFolder folder;
    JournalReceiver journal(folder / "socket");
    auto log = open_log({}, folder / "socket");
    for (pid_t tgid : {1, 2, 3}) REQUIRE(log->record(caller(tgid), kAllow));
    REQUIRE(log->reopen());
    CHECK(*verify_audit(records_of(journal.take())) == 3);
}

TEST_CASE("an audit log with no sink, or where no journal listens, is not opened") {
    TempFolder folder;
    auto none = AuditLog::open({});
    REQUIRE_FALSE(none);
    CHECK(none.error().code == Code::invalid);
    auto missing = AuditLog::open({{}, folder / "socket"});
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == Code::unavailable);
    { JournalReceiver gone(folder / "socket"); }
    CHECK_FALSE(AuditLog::open({{}, folder / "socket"}));  // the socket file is there, nobody listens
}

TEST_CASE("a journal that is gone is a failed audit, and one that comes back goes on") {
    TempFolder folder;
    auto journal = std::make_unique<JournalReceiver>(folder / "socket");
    auto log = open_log({}, folder / "socket");
    REQUIRE(log->record(caller(1), kAllow));
    std::string records = records_of(journal->take());
    journal.reset();
    CHECK_FALSE(log->record(caller(2), kAllow));
    CHECK_FALSE(log->record(caller(1), kAllow));  // known, and yet
    std::filesystem::remove(folder / "socket");
    auto refused = log->record(caller(2), kAllow);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::unavailable);
    journal = std::make_unique<JournalReceiver>(folder / "socket");
    REQUIRE(log->record(caller(2), kAllow));
    records += records_of(journal->take());
    CHECK(*verify_audit(records) == 2);  // what was not sent is no gap: it was refused
}

TEST_CASE("what the journal does not take is refused, and the file says so") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto journal = std::make_unique<JournalReceiver>(folder / "socket");
    auto log = open_log(file, folder / "socket");
    REQUIRE(log->record(caller(1), kAllow));
    journal.reset();
    for (int i = 0; i < 100; ++i) CHECK_FALSE(log->record(caller(2), kAllow));
    auto lines = lines_of(file);
    REQUIRE(lines.size() <= 100);  // who tries again and again is counted, and fills no disk
    CHECK(lines[1]["tgid"] == 2);
    CHECK(lines[2]["kind"] == "unsent");
    std::filesystem::remove(folder / "socket");
    journal = std::make_unique<JournalReceiver>(folder / "socket");
    REQUIRE(log->record(caller(3), kAllow));
    REQUIRE(log->flush(true));
    CHECK(times(file, 2) == 100);
    CHECK(verify_audit(read_text(file)));
    CHECK(journal->take()[0]["COFFER_TGID"] == "3");
}

TEST_CASE("a journal that takes nothing blocks and then refuses; nothing piles up") {
    TempFolder folder;
    JournalReceiver journal(folder / "socket");
    auto log = open_log({}, folder / "socket");
    auto refused = ask_until_refused(*log);
    REQUIRE(refused);
    CHECK(refused->code == Code::unavailable);
    CHECK(refused->message.find("it takes nothing") != std::string::npos);
    for (pid_t tgid = 1; tgid < 500; ++tgid) CHECK_FALSE(log->record(caller(tgid), kAllow));
    std::string records = records_of(journal.take());
    REQUIRE(log->record(caller(9999), kAllow));
    auto later = journal.take();
    REQUIRE(later.size() == 1);  // of what was refused, nothing was kept for later
    CHECK(verify_audit(records + records_of(later)));
}
