// SPDX-License-Identifier: Apache-2.0
//
// `coffer status` and `coffer doctor` beside a real daemon: serving, stopped, killed, gone.
#include <nlohmann/json.hpp>

#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

struct Said {
    int status = -1;
    nlohmann::json document;
};

// The tool with --json, as root: its exit status and what it prints.
Said tool(const MountedStore& mounted, const char* verb) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const std::string config = mounted.config.file;
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, 2);
        execl(COFFER_PROGRAM, "coffer", verb, "--json", "--config", config.c_str(), nullptr);
        _exit(127);
    }
    close(ends[1]);
    std::string text;
    char buffer[4096];
    for (;;) {
        pollfd wanted{ends[0], POLLIN, 0};
        if (poll(&wanted, 1, kClientPatience) <= 0) break;
        ssize_t size = read(ends[0], buffer, sizeof buffer);
        if (size <= 0) break;
        text.append(buffer, static_cast<std::size_t>(size));
    }
    close(ends[0]);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, nlohmann::json::parse(text, nullptr, false)};
}

std::string finding(const Said& doctor, std::string_view what) {
    for (const auto& one : doctor.document["findings"])
        if (one["what"] == what) return one["weight"];
    return "none";
}

}  // namespace

TEST_CASE("status tells what the daemon says of itself, doctor that all is well") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "x");
    Said status = tool(mounted, "status");
    CHECK(status.status == 0);
    CHECK(status.document["state"] == "serving");
    CHECK(status.document["store_revision"] == mounted.store.view().head().revision);
    CHECK(status.document["daemon"]["opens"] == 1);
    Said doctor = tool(mounted, "doctor");
    INFO(doctor.document.dump(2));
    CHECK(doctor.status == 0);
    for (const char* what : {"fuse", "configuration", "store", "host", "policy", "audit", "mount"})
        CHECK(finding(doctor, what) == "ok");
    mounted.stop();
}

TEST_CASE("what is wrong with a daemon is told, and its policy's mistake") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.start();
    mounted.write_policy("[[rule]]\nname = 3\n");
    CHECK(soon([&] { return tool(mounted, "status").status == 1; }));
    CHECK(tool(mounted, "status").document["daemon"]["problems"].contains("policy"));
    Said doctor = tool(mounted, "doctor");
    CHECK(doctor.status == 1);
    CHECK(finding(doctor, "policy") == "PROBLEM");
    CHECK(finding(doctor, "daemon") == "PROBLEM");
    mounted.stop();
}

TEST_CASE(
    "a daemon that does not answer, one that was killed and none at all are told apart from a serving one") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.start();
    mounted.signal(SIGSTOP);
    Said stopped = tool(mounted, "status");
    CHECK(stopped.status == 7);
    CHECK(stopped.document["state"] == "silent");
    mounted.signal(SIGCONT);
    CHECK(soon([&] { return tool(mounted, "status").document["state"] == "serving"; }));

    mounted.signal(SIGKILL);
    CHECK(soon([&] { return tool(mounted, "status").document["state"] == "silent"; }));
    CHECK(finding(tool(mounted, "doctor"), "mount") == "PROBLEM");
    REQUIRE(umount2(mounted.mount().c_str(), MNT_DETACH) == 0);
    Said none = tool(mounted, "status");
    CHECK(none.status == 7);
    CHECK(none.document["state"] == "absent");
    CHECK(finding(tool(mounted, "doctor"), "mount") == "PROBLEM");
}
