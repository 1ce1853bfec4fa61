// SPDX-License-Identifier: Apache-2.0
#include "serve/status.h"

#include "serve/secret_attributes.h"
#include "support/catch.h"

using namespace coffer;

TEST_CASE("a problem is news once, and again after it was solved or has changed") {
    Status status;
    CHECK(status.raise("store", "gone"));
    CHECK_FALSE(status.raise("store", "gone"));
    CHECK(status.raise("store", "damaged"));
    CHECK(status.problems().at("store") == "damaged");
    CHECK(status.clear("store"));
    CHECK_FALSE(status.clear("store"));
    CHECK(status.problems().empty());
}

TEST_CASE("the problems that are kept have a bound") {
    Status status;
    for (int i = 0; i < 1000; ++i) (void)status.raise(concat("payload ", i), "x");
    CHECK(status.problems().size() == 256);
}

TEST_CASE("extended attributes have the values that their names promise") {
    Shown shown;
    shown.scope = "acme/*/*";
    shown.version = 12;
    shown.visibility = Visibility::restricted;
    shown.writer = "ann";
    CHECK(secret_attribute(shown, "user.coffer.scope") == "acme/*/*");
    CHECK(secret_attribute(shown, "user.coffer.version") == "12");
    CHECK(secret_attribute(shown, "user.coffer.visibility") == "restricted");
    CHECK(secret_attribute(shown, "user.coffer.writer") == "ann");
    CHECK(secret_attribute(shown, "user.coffer.expires") == "never");
    shown.not_after_ms = 1700000000999;
    CHECK(secret_attribute(shown, "user.coffer.expires") == "2023-11-14T22:13:20Z");
    CHECK_FALSE(secret_attribute(shown, "user.coffer.length"));
    CHECK_FALSE(secret_attribute(shown, "scope"));
    CHECK_FALSE(secret_attribute(shown, "security.capability"));
    const std::string_view names = secret_attribute_names();
    for (std::size_t at = 0; at < names.size(); at = names.find('\0', at) + 1)
        CHECK(secret_attribute(shown, names.substr(at, names.find('\0', at) - at)));
}
