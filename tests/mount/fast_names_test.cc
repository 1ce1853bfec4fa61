// SPDX-License-Identifier: Apache-2.0
//
// fast_names = true: the kernel keeps the names of secrets, so an open is asked about that had no look-up.
#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/DB_PASSWORD";

void fast_names(Config& config) {
    config.fast_names = true;
}

}  // namespace

TEST_CASE("with fast_names a name that the kernel keeps opens for nobody whom the policy does not name") {
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, "acme/other/**"), fast_names);
    mounted.set(kKey, "Alice's");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "Alice's");
    CHECK(read_as(kBob, mounted.path(kKey)).error == ENOENT);
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "Alice's");
    CHECK(mounted.audit_lines({"\"deny\"", "\"uid\":60002"}) >= 1);
    mounted.stop();
}

TEST_CASE("with fast_names new values, removals and more specific secrets are served") {
    MountedStore mounted(allow(kAlice, "acme/**"), fast_names);
    mounted.set("acme/checkout/production/OTHER", "so that there is the directory");
    mounted.set("acme/checkout/*/DB_PASSWORD", "wide");
    mounted.start();
    auto reads = [&](std::string_view value) {
        return soon([&] { return read_as(kAlice, mounted.path(kKey)).text == value; });
    };
    CHECK(reads("wide"));
    mounted.set("acme/checkout/*/DB_PASSWORD", "wide, again");
    CHECK(reads("wide, again"));
    mounted.set(kKey, "specific");
    CHECK(reads("specific"));
    mounted.remove(kKey);
    CHECK(reads("wide, again"));
    mounted.remove("acme/checkout/*/DB_PASSWORD");
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).error == ENOENT; }));
    mounted.set(kKey, "put again");
    CHECK(reads("put again"));
    mounted.stop();
}
