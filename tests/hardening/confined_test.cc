// SPDX-License-Identifier: Apache-2.0
//
// What the running programs have put on: every thread of each, in every way of mounting, has its filter and
// can gain no privileges; and coffer-stored, taken at its word, cannot reach a file that is not its own.
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdio>
#include <map>

#include "support/mounted_store.h"
#include "support/open_fuse_device.h"
#include "support/stored_service.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/DB_PASSWORD";

// The words of a line "Name:\tvalue" in /proc.
std::string field(const std::string& status, const std::string& name) {
    const auto at = status.find('\n' + name + ':');
    if (at == status.npos) return "none";
    const auto from = status.find_first_not_of(" \t", at + name.size() + 2);
    return status.substr(from, status.find('\n', from) - from);
}

// How many threads there are; each is asked.
int confined_threads(pid_t process) {
    int threads = 0;
    for (const auto& task : std::filesystem::directory_iterator(concat("/proc/", process, "/task"))) {
        const std::string status = file_text(task.path() / "status");
        if (status.empty()) continue;  // it has ended meanwhile
        INFO(task.path().string());
        CHECK(field(status, "Seccomp") == "2");
        CHECK(field(status, "NoNewPrivs") == "1");
        ++threads;
    }
    return threads;
}

void say(const char* program, int threads) {
    std::printf(
        "FIGURE: hardening: threads of a running %s: %d, each with its filter and no new privileges\n",
        program, threads);
}

}  // namespace

TEST_CASE("every thread of a cofferd that root mounts for is confined, and it serves") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "served");
    mounted.spawn();
    REQUIRE(soon([&] { return mounted.log().find("serving") != std::string::npos; }));
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "served");
    const int threads = confined_threads(mounted.daemon());
    CHECK(threads >= 4);
    say("cofferd", threads);
    mounted.stop();
}

TEST_CASE("every thread of a cofferd behind coffer-mount is confined, and so is coffer-mount") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "served");
    mounted.hold();
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "served");
    CHECK(confined_threads(mounted.daemon()) >= 4);
    const int threads = confined_threads(mounted.holder->process());
    CHECK(threads == 1);
    say("coffer-mount", threads);
    mounted.stop();
    CHECK(mounted.holder->stop() == 0);
}

TEST_CASE("every thread of a cofferd of an ordinary user is confined, and its mount goes with it") {
    OpenFuseDevice device;
    MountedStore mounted(allow(kNobody, "acme/**"));
    mounted.set(kKey, "served");
    mounted.give_to(kNobody);
    mounted.start();
    CHECK(read_as(kNobody, mounted.path(kKey)).text == "served");
    CHECK(confined_threads(mounted.daemon()) >= 4);
    mounted.stop();  // which looks that nothing is mounted any more
    CHECK(mounted.log().find("fusermount3") == std::string::npos);
}

TEST_CASE("a killed cofferd of an ordinary user leaves nobody who waits to unmount") {
    OpenFuseDevice device;
    MountedStore mounted(allow(kNobody, "acme/**"));
    mounted.set(kKey, "served");
    mounted.give_to(kNobody);
    mounted.start();
    const auto children = concat("/proc/", mounted.daemon(), "/task/", mounted.daemon(), "/children");
    std::istringstream list(file_text(children));
    pid_t unmounter = 0;
    REQUIRE(list >> unmounter);
    mounted.kill_daemon();
    CHECK(soon([&] {
        // A zombie that nobody here waits for has ended, too.
        const std::string status = file_text(concat("/proc/", unmounter, "/status"));
        return status.empty() || field(status, "State").starts_with('Z');
    }));
    CHECK(mounted.is_mounted());  // the next daemon's to find, as it was said
    mounted.start();
    CHECK(mounted.log().find("took off") != std::string::npos);
    CHECK(read_as(kNobody, mounted.path(kKey)).text == "served");
    mounted.stop();
}

TEST_CASE("coffer-stored is confined, and writes") {
    FoundedService service;
    const int threads = confined_threads(service.pid());
    CHECK(threads == 1);
    say("coffer-stored", threads);
    CHECK(service.set_as(kRoot, kKey, "sealed").error == 0);
    CHECK(service.stop() == 0);
}

// Its store and state are the folders that it was started with. What has their names later is not: without
// its domain, the service would found a store here.
TEST_CASE("coffer-stored opens nothing outside of its folders") {
    TempFolder elsewhere;
    std::filesystem::permissions(elsewhere.path(), std::filesystem::perms(0711));
    const auto state = elsewhere / "state";
    const auto make = [&] {
        REQUIRE(mkdir(state.c_str(), 0700) == 0);
        REQUIRE(chown(state.c_str(), kStoreUser.uid, kStoreUser.gid) == 0);
    };
    make();
    StoredService service({"--state", state});
    REQUIRE(comes_true([&] { return service.log().find("serving") != std::string::npos; }));
    std::filesystem::rename(state, elsewhere / "was-state");
    make();
    auto log = must(service.connect());
    auto owner = must(Identity::generate()), host = must(Identity::generate());
    GenesisHost first{"host", host.recipient(), must(Pattern::parse("acme/*/*"))};
    const auto founded = found_store(*log, owner, "owner", first);
    CHECK_FALSE(founded);
    CHECK(std::filesystem::is_empty(state));
    CHECK(service.stop() == 0);
}
