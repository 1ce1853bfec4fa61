// SPDX-License-Identifier: Apache-2.0
#include <sys/xattr.h>

#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

}  // namespace

TEST_CASE("extended attributes tell of the secret to those who may read it") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "one");
    mounted.set(kKey, "two");
    mounted.set("acme/checkout/*/WIDE", "x", Visibility::restricted, 4102444800000);  // 2100-01-01
    mounted.start();
    auto attribute = [&](const Who& who, std::string_view below, const char* name) {
        return as(who, [&] {
            char value[256];
            ssize_t size = getxattr(mounted.path(below).c_str(), name, value, sizeof value);
            if (size < 0) return failed();
            return Outcome{0, std::string(value, static_cast<std::size_t>(size))};
        });
    };
    CHECK(attribute(kAlice, kKey, "user.coffer.scope").text == "acme/checkout/production");
    CHECK(attribute(kAlice, kKey, "user.coffer.version").text == "2");
    CHECK(attribute(kAlice, kKey, "user.coffer.visibility").text == "masked");
    CHECK(attribute(kAlice, kKey, "user.coffer.expires").text == "never");
    CHECK(attribute(kAlice, kKey, "user.coffer.writer").text == "owner");
    CHECK(attribute(kAlice, kKey, "user.coffer.other").error == ENODATA);
    CHECK(attribute(kAlice, "acme/checkout/production/WIDE", "user.coffer.scope").text == "acme/checkout/*");
    CHECK(attribute(kAlice, "acme/checkout/production/WIDE", "user.coffer.visibility").text == "restricted");
    CHECK(attribute(kAlice, "acme/checkout/production/WIDE", "user.coffer.expires").text ==
          "2100-01-01T00:00:00Z");
    CHECK(attribute(kAlice, "acme/checkout", "user.coffer.scope").error == ENODATA);
    CHECK(attribute(kBob, kKey, "user.coffer.scope").error == ENOENT);
    Outcome names = as(kAlice, [&] {
        char list[512];
        ssize_t size = listxattr(mounted.path(kKey).c_str(), list, sizeof list);
        return Outcome{0, std::string(list, size > 0 ? static_cast<std::size_t>(size) : 0)};
    });
    using namespace std::string_literals;
    CHECK((names.text == "user.coffer.scope\0user.coffer.version\0user.coffer.visibility\0"
                         "user.coffer.expires\0user.coffer.writer\0"s));
    CHECK(as(kAlice, [&] {
              char small[4];
              return errno_of(
                  [&] { return getxattr(mounted.path(kKey).c_str(), "user.coffer.scope", small, 4); });
          }).error == ERANGE);
    mounted.stop();
}
