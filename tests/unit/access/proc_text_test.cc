// SPDX-License-Identifier: Apache-2.0
#include "access/attest/proc_text.h"

#include "support/catch.h"

using namespace coffer;

namespace {

constexpr std::string_view kStatus =
    "Name:\tx\\nUid:\t0\t0\t0\t0\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t41\nNgid:\t0\nPid:\t42\n"
    "PPid:\t1\nTracerPid:\t7\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t64\nGroups:\t27 4 1000 \n"
    "NStgid:\t41\n";

std::string without(std::string_view line) {
    std::string text(kStatus);
    std::size_t at = text.find(concat("\n", line)) + 1;
    return text.erase(at, text.find('\n', at) - at + 1);
}

}  // namespace

TEST_CASE("a process's status gives ids, sorted groups and tracer") {
    auto status = parse_proc_status(kStatus);
    REQUIRE(status);
    CHECK(status->tgid == 41);
    CHECK(status->tracer == 7);
    CHECK(status->ids == Credentials{1, 2, 3, 4, 5, 6, 7, 8});
    CHECK(status->groups == std::vector<gid_t>{4, 27, 1000});
}

TEST_CASE("a status without groups has none") {
    std::string text = without("Groups:") + "Groups:\t \n";
    auto status = parse_proc_status(text);
    REQUIRE(status);
    CHECK(status->groups.empty());
}

TEST_CASE("a status that lacks a line is an error, not a default") {
    for (std::string_view line : {"Tgid:", "TracerPid:", "Uid:", "Gid:", "Groups:"}) {
        INFO(line);
        CHECK_FALSE(parse_proc_status(without(line)));
    }
    CHECK_FALSE(parse_proc_status(""));
    CHECK_FALSE(parse_proc_status(without("Uid:") + "Uid:\t1\t2\t3\n"));
    CHECK_FALSE(parse_proc_status(without("Uid:") + "Uid:\t1\t2\t3\t4\t5\n"));
    CHECK_FALSE(parse_proc_status(without("Uid:") + "Uid:\t1\t2\t3\t99999999999\n"));
    CHECK_FALSE(parse_proc_status(without("Groups:") + "Groups:\t4 x\n"));
}

TEST_CASE("a status that has a line twice is an error, and does not stand for one that it lacks") {
    for (std::string_view line : {"Tgid:\t41\n", "TracerPid:\t0\n", "Groups:\t4\n"}) {
        INFO(line);
        CHECK_FALSE(parse_proc_status(concat(kStatus, line)));
        CHECK_FALSE(parse_proc_status(without("Gid:").append(line)));
    }
}

TEST_CASE("the start of a process is field 22, whatever the process calls itself") {
    auto text = [](std::string_view name) {
        return concat("42 (", name, ") S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 10 11\n");
    };
    for (std::string_view name : {"sh", "a b", ") S 1 (", "x) 1 2 3 4", "((("}) {
        auto ticks = parse_start_ticks(text(name));
        REQUIRE(ticks);
        CHECK(*ticks == 987654);
    }
    CHECK_FALSE(parse_start_ticks("42 (x) S 1 42\n"));
    CHECK_FALSE(parse_start_ticks(""));
    CHECK_FALSE(parse_start_ticks("42 (x) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 many 10\n"));
}
