// SPDX-License-Identifier: Apache-2.0
//
// Keys in the memory of cofferd: the host's identity and what it is derived into, the scope keys, and the
// keys of single boxes. In locked memory alone, at any time. A stack that a library has left a key on is as
// bad as a heap.
#include "memory/key_needles.h"
#include "support/readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kFolder = "acme/checkout/production/";

void add_keys_of(Watched& watched, MountedStore& mounted, const std::string& key) {
    add_keys_of(watched, mounted, mounted.made.host, concat(kFolder, key));
}

}  // namespace

TEST_CASE("the keys of a daemon are in its locked memory alone") {
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) { config.threads = 4; });
    Watched watched("cofferd, its keys");
    add_identity(watched, "the host", mounted.made.host);
    for (std::string key : {"A", "B", "C"}) {
        mounted.set(concat(kFolder, key), canary_bytes(100));
        add_keys_of(watched, mounted, key);
    }
    mounted.set(concat(kFolder, "LARGE"), canary_bytes(100000));
    add_keys_of(watched, mounted, "LARGE");
    mounted.start();
    const Scan first = watched.look(mounted.daemon());
    CHECK(first.count("the host's seed") == 1);
    CHECK(first.count("the host's watermark key") >= 1);
    CHECK(first.count("the host's sealing key") == 1);
    CHECK(first.count("acme/checkout/production/A's scope key") == 1);
    CHECK(first.count("acme/checkout/production/A's box key") == 0);  // nobody has asked

    for (std::string_view key : {"A", "B", "C", "LARGE"})
        CHECK(read_as(kAlice, mounted.path(concat(kFolder, key))).good());
    const Scan second = watched.look(mounted.daemon());
    CHECK(second.count("acme/checkout/production/A's scope key") >= 1);
    CHECK(second.count("acme/checkout/production/A's box key") == 1);
    CHECK(second.count("acme/checkout/production/LARGE's box key") == 1);

    // More of everything while the daemon runs: scope keys that it is granted, and each of its threads busy.
    Readers readers(6, kAlice, mounted.path(concat(kFolder, "A")),
                    {read_as(kAlice, mounted.path(concat(kFolder, "A"))).text});
    for (int i = 0; i < (is_long() ? 50 : 5); ++i) {
        mounted.set(concat("acme/checkout/domain", i, "/KEY"), canary_bytes(50), Visibility::restricted);
        const std::string key = concat("NEW_", i);
        mounted.set(concat(kFolder, key), canary_bytes(200));
        add_keys_of(watched, mounted, key);
        REQUIRE(soon([&] { return read_as(kAlice, mounted.path(concat(kFolder, key))).good(); }));
        watched.look_stopped(mounted.daemon());
    }
    CHECK(readers.stop() == 0);
    CHECK(readers.counts().failed == 0);
    watched.look(mounted.daemon());

    // What is gone from the store is gone from the cache of box keys.
    mounted.remove(concat(kFolder, "B"));
    CHECK(soon(
        [&] { return watched.look(mounted.daemon()).count("acme/checkout/production/B's box key") == 0; }));
    mounted.stop();
}

TEST_CASE("a daemon that takes the mount over has its keys in locked memory alone") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    Watched watched("cofferd, its keys after a hand-over, and coffer-mount");
    add_identity(watched, "the host", mounted.made.host);
    mounted.set(concat(kFolder, "A"), canary_bytes(100));
    add_keys_of(watched, mounted, "A");
    mounted.hold();
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(concat(kFolder, "A"))).good());
    mounted.kill_daemon();
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(concat(kFolder, "A"))).good());
    mounted.signal(SIGHUP);
    CHECK(watched.look(mounted.daemon()).count("acme/checkout/production/A's box key") == 1);
    CHECK(watched.look(mounted.holder->process()).finds.empty());
    mounted.stop();
    CHECK(mounted.holder->stop() == 0);
}
