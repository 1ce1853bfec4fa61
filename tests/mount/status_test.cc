// SPDX-License-Identifier: Apache-2.0
//
// `coffer status` and `coffer doctor` beside a real daemon: serving, stopped, killed, gone.
#include <nlohmann/json.hpp>
#include <thread>

#include "hold/fuse_wire.h"
#include "hold/mount_point.h"
#include "support/mounted_store.h"
#include "support/tool.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

struct Report {
    int status = -1;
    nlohmann::json document;
};

// The tool with --json: its exit status and what it prints.
Report tool(const MountedStore& mounted, const char* verb) {
    Said said = run_tool({"coffer", verb, "--json", "--config", mounted.config.file});
    return {said.status, nlohmann::json::parse(said.text, nullptr, false)};
}

std::string finding(const Report& doctor, std::string_view what) {
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
    Report status = tool(mounted, "status");
    CHECK(status.status == 0);
    CHECK(status.document["state"] == "serving");
    CHECK(status.document["store_revision"] == mounted.store.view().head().revision);
    CHECK(status.document["daemon"]["opens"] == 1);
    Report doctor = tool(mounted, "doctor");
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
    Report doctor = tool(mounted, "doctor");
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
    Report stopped = tool(mounted, "status");
    CHECK(stopped.status == 7);
    CHECK(stopped.document["state"] == "silent");
    mounted.signal(SIGCONT);
    CHECK(soon([&] { return tool(mounted, "status").document["state"] == "serving"; }));

    mounted.signal(SIGKILL);
    CHECK(soon([&] { return tool(mounted, "status").document["state"] == "silent"; }));
    CHECK(finding(tool(mounted, "doctor"), "mount") == "PROBLEM");
    REQUIRE(umount2(mounted.mount().c_str(), MNT_DETACH) == 0);
    Report none = tool(mounted, "status");
    CHECK(none.status == 7);
    CHECK(none.document["state"] == "absent");
    CHECK(finding(tool(mounted, "doctor"), "mount") == "PROBLEM");
}

TEST_CASE("a daemon that hangs with a request in hand keeps neither status nor who reads its output") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    // What answers INIT and then takes requests without an end: whoever asks can no longer be killed.
    auto device = mount_as_root(mounted.mount());
    REQUIRE(device);
    REQUIRE(answer_init(device->get()));
    std::thread taker([&] {
        std::vector<std::uint8_t> request(kRequestBuffer);
        while (read(device->get(), request.data(), request.size()) > 0) {
        }
    });
    Report hung = tool(mounted, "status");
    CHECK(hung.status == 7);
    CHECK(hung.document["state"] == "silent");
    (void)umount2(mounted.mount().c_str(),
                  MNT_FORCE);  // aborts the connection; what was asked ends, and the taker
    taker.join();
}
