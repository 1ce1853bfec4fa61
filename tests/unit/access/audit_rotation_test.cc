// SPDX-License-Identifier: Apache-2.0
#include "audit_case.h"

using namespace coffer;
using namespace coffer::test;

TEST_CASE("after a rotation the chain goes on in the new file") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    REQUIRE(log->record(caller(1), kAllow));
    std::filesystem::rename(file, folder / "audit.jsonl.1");
    REQUIRE(log->reopen());
    REQUIRE(log->record(caller(2), kAllow));
    auto lines = lines_of(file);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["seq"] == 2);
    CHECK(lines[0]["kind"] == "continued");
    CHECK(lines[0]["previous"] == lines_of(folder / "audit.jsonl.1")[0]["hash"]);
    CHECK(*verify_audit(read_text(folder / "audit.jsonl.1") + read_text(file)) == 3);
    CHECK(*verify_audit(read_text(file)) == 2);
    std::string text = read_text(file);
    CHECK_FALSE(verify_audit(text.substr(text.find('\n') + 1)));
    CHECK_FALSE(verify_audit(text + text));
}

TEST_CASE("reopening a log that was not moved changes nothing") {
    TempFolder folder;
    auto log = open_log(folder / "audit.jsonl");
    REQUIRE(log->record(caller(1), kAllow));
    REQUIRE(log->reopen());
    REQUIRE(log->record(caller(2), kAllow));
    CHECK(*verify_audit(read_text(folder / "audit.jsonl")) == 2);
}

TEST_CASE("counts are written beside what they count when the file is rotated") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    for (int i = 0; i < 5; ++i) REQUIRE(log->record(caller(1), kAllow));
    std::filesystem::rename(file, folder / "old");
    for (int i = 0; i < 5; ++i) REQUIRE(log->record(caller(1), kAllow));  // not told yet: to the old one
    REQUIRE(log->reopen());
    CHECK(times(folder / "old", 1) == 10);
    REQUIRE(log->record(caller(1), kAllow));
    CHECK(times(file, 1) == 1);
    CHECK(verify_audit(read_text(folder / "old") + read_text(file)));
}

TEST_CASE("a file that was cut under its writer goes on with a line that names the one before it") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    for (int i = 0; i < 3; ++i) REQUIRE(log->record(caller(1 + i), kAllow));
    // logrotate's copytruncate, with and without a SIGHUP afterwards.
    for (bool told : {false, true}) {
        const std::string copy = read_text(file);
        std::filesystem::resize_file(file, 0);
        if (told) REQUIRE(log->reopen());
        REQUIRE(log->record(caller(told ? 10 : 11), kAllow));
        auto lines = lines_of(file);
        REQUIRE(lines.size() == 2);
        CHECK(lines[0]["kind"] == "continued");
        CHECK(lines[1]["kind"] == "decision");
        CHECK(verify_audit(read_text(file)));
        CHECK(verify_audit(copy + read_text(file)));
    }
}

TEST_CASE("lines that were lost to a cut are missed, and so are some that were cut off") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    REQUIRE(log->record(caller(1), kAllow));
    const std::string copy = read_text(file);
    REQUIRE(log->record(caller(2), kAllow));  // after the copy, before the cut
    std::filesystem::resize_file(file, 0);
    REQUIRE(log->record(caller(3), kAllow));
    CHECK_FALSE(verify_audit(copy + read_text(file)));

    REQUIRE(log->record(caller(4), kAllow));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 20);
    REQUIRE(log->record(caller(5), kAllow));
    CHECK_FALSE(verify_audit(read_text(file)));
}

TEST_CASE("nothing is written to a file that was deleted") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    REQUIRE(log->record(caller(1), kAllow));
    const std::string before = read_text(file);
    std::filesystem::remove(file);
    REQUIRE(log->record(caller(2), kAllow));
    auto lines = lines_of(file);
    REQUIRE(lines.size() == 2);
    CHECK(lines[0]["kind"] == "continued");
    CHECK(lines[1]["tgid"] == 2);
    CHECK(verify_audit(before + read_text(file)));
}

TEST_CASE("a deleted file whose place is taken by something else is a failed audit") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    REQUIRE(log->record(caller(1), kAllow));
    std::filesystem::remove(file);
    std::ofstream(file) << "something else\n";
    CHECK_FALSE(log->record(caller(2), kAllow));  // readable by others
    REQUIRE(chmod(file.c_str(), 0600) == 0);
    CHECK_FALSE(log->record(caller(2), kAllow));
    CHECK(read_text(file) == "something else\n");
    std::filesystem::remove(file);
    CHECK(log->record(caller(2), kAllow));
}

TEST_CASE("a file of another chain is not gone on with, and the old one stays open") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    auto log = open_log(file);
    REQUIRE(log->record(caller(1), kAllow));
    std::filesystem::rename(file, folder / "old");
    REQUIRE(open_log(file)->record(caller(9), kAllow));
    auto reopened = log->reopen();
    REQUIRE_FALSE(reopened);
    CHECK(reopened.error().code == Code::tampered);
    REQUIRE(log->record(caller(2), kAllow));
    CHECK(lines_of(folder / "old").size() == 2);
    CHECK(lines_of(file).size() == 1);
    // An editor's copy of the same lines is the same log.
    std::filesystem::remove(file);
    std::filesystem::copy_file(folder / "old", file);
    REQUIRE(chmod(file.c_str(), 0600) == 0);
    REQUIRE(log->reopen());
    REQUIRE(log->record(caller(3), kAllow));
    CHECK(lines_of(file).size() == 3);
    CHECK(verify_audit(read_text(file)));
}

TEST_CASE("a line that lacks nothing but its line feed is a whole one") {
    TempFolder folder;
    auto file = folder / "audit.jsonl";
    REQUIRE(open_log(file)->record(caller(1), kAllow));
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    REQUIRE(open_log(file)->record(caller(2), kAllow));
    CHECK(lines_of(file).size() == 2);
    CHECK(*verify_audit(read_text(file)) == 2);
}
