// SPDX-License-Identifier: Apache-2.0
#include "access/audit/audit_record.h"

#include "access/audit/audit_chain.h"
#include "access/audit/audit_line.h"
#include "access/config/owned_file.h"
#include "support/policy_case.h"
#include "support/temp_folder.h"

using namespace coffer;
using namespace coffer::test;

namespace {

std::string code_of(std::string_view line) {
    auto record = read_audit_record(line);
    if (record) return *record ? "a decision" : "something else";
    return record.error().code == Code::invalid ? "invalid" : "another error";
}

}  // namespace

TEST_CASE("a decision is read back with every fact that its line holds, byte for byte") {
    Caller who = caller_in("/system.slice/checkout.service", 1001, "/opt/a\"b\\c\n\xff\x80 d");
    who.tid = 4243;
    who.tgid = 4242;
    who.invocation_id = "8f3c";
    who.sha256 = Hash{};
    who.sha256->bytes[0] = 0xab;
    AuditEvent event{true, "open", "acme/a/b/KEY", "the rule", "", 7, "acme/a/*"};
    std::string line = sealed_line(decision_line(9, AuditTime{}, who, event), Hash{});
    line.pop_back();
    auto read = read_audit_record(line);
    REQUIRE(read);
    REQUIRE(*read);
    const AuditRecord& record = **read;
    CHECK(record.sequence == 9);
    CHECK(record.time == "1970-01-01T00:00:00.000Z");
    CHECK(record.allow);
    CHECK(record.operation == "open");
    CHECK(record.path == "acme/a/b/KEY");
    CHECK(record.rule == "the rule");
    CHECK(record.reason.empty());
    CHECK(record.version == 7);
    CHECK(record.scope == "acme/a/*");
    CHECK(record.caller.tid == 4243);
    CHECK(record.caller.tgid == 4242);
    CHECK(record.caller.ids.fsuid == 1001);
    CHECK(record.caller.ids.fsgid == 1001);
    CHECK(record.caller.exe.path == who.exe.path);
    CHECK(record.caller.sha256 == who.sha256);
    CHECK(record.caller.cgroup.unit == "checkout.service");
    CHECK(record.caller.invocation_id == "8f3c");
}

TEST_CASE("other kinds of lines are no decisions, and what is no line is refused") {
    CHECK(code_of("{\"seq\":1,\"time\":\"t\",\"kind\":\"start\",\"detail\":\"x\"}") == "something else");
    Caller who = caller_in("/");
    std::string line = audit_line(who, false, "a/b/c/D", "", "no rule allows it");
    line.pop_back();
    REQUIRE(code_of(line) == "a decision");
    for (std::string_view bad : {"", "[]", "7", "null", "{", "{}", "{\"kind\":7}", "{\"kind\":\"decision\"}"})
        CHECK(code_of(bad) == "invalid");
    auto changed = [&](std::string_view from, std::string_view to) {
        std::string text = line;
        text.replace(text.find(from), from.size(), to);
        return code_of(text);
    };
    CHECK(changed("\"uid\":1000", "\"uid\":-1") == "invalid");
    CHECK(changed("\"uid\":1000", "\"uid\":4294967296") == "invalid");
    CHECK(changed("\"uid\":1000", "\"uid\":\"1000\"") == "invalid");
    CHECK(changed("\"uid\":1000", "\"uod\":1000") == "invalid");
    CHECK(changed("\"deny\"", "\"maybe\"") == "invalid");
    CHECK(changed("a/b/c/D", "a/b/c/\\u0100") == "invalid");
    CHECK(changed("a/b/c/D", std::string(70000, 'x')) == "invalid");
}

TEST_CASE("the records of a real log have their repeats counted in") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    Caller who = caller_in("/system.slice/checkout.service");
    {
        auto log = AuditLog::open({file, {}});
        REQUIRE(log);
        AuditEvent event{false, "open", "a/b/c/D", "", "no rule allows it", 0, ""};
        for (int i = 0; i < 5; ++i) REQUIRE((*log)->record(who, event));
        event.path = "a/b/c/E";
        REQUIRE((*log)->record(who, event));
        REQUIRE((*log)->note("stop", ""));
    }
    auto text = read_text_file(file, 1u << 20);
    REQUIRE(text);
    auto records = read_audit_records(*text);
    REQUIRE(records);
    REQUIRE(records->size() == 2);
    CHECK((*records)[0].times == 5);
    CHECK((*records)[1].times == 1);
    CHECK((*records)[0].last_time >= (*records)[0].time);
}

TEST_CASE("a line that was cut short is passed over only where the next one says so") {
    Caller who = caller_in("/");
    std::string line = audit_line(who, false, "a/b/c/D", "", "no rule allows it");
    std::string torn = sealed_line(note_line(2, AuditTime{}, "torn", "x"), Hash{});
    auto records = read_audit_records(line + line.substr(0, 50) + "\n" + torn + line);
    REQUIRE(records);
    CHECK(records->size() == 2);
    auto bad = read_audit_records(line + line.substr(0, 50) + "\n" + line);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().message.find("line 2") != std::string::npos);
}
