// SPDX-License-Identifier: Apache-2.0
#include "serve/catalogue.h"

#include "serve/node_ids.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

Place place_of(const Catalogue& catalogue, std::string_view org, std::string_view project,
               std::string_view domain, std::string_view key = "") {
    return {catalogue.find_name(org), catalogue.find_name(project), catalogue.find_name(domain),
            key.empty() ? kNoName : catalogue.find_name(key)};
}

// A store, its catalogue, and a way to take in what was written since.
struct Kept {
    TestStore made;
    VerifiedStore store{must(made.open("writer"))};
    Catalogue catalogue;
    VerifiedStore reader{must(made.open("reader"))};

    Kept() { must(catalogue.load(reader.view())); }
    Catalogue::Applied take_in() {
        std::vector<CommitBody> commits;
        must(reader.catch_up([&](const CommitBody& commit) { commits.push_back(commit); }));
        return must(catalogue.apply(reader.view(), commits));
    }
    std::optional<Shown> shown(std::string_view key) {
        return catalogue.resolve(place_of(catalogue, "acme", "shop", "production", key));
    }
};

}  // namespace

TEST_CASE("a path shows the most specific live version") {
    Kept kept;
    kept.made.set(kept.store, "acme/*/*/KEY", "org");
    kept.made.set(kept.store, "acme/shop/production/OTHER", "x");
    kept.take_in();
    REQUIRE(kept.shown("KEY"));
    CHECK(kept.shown("KEY")->level == 3);
    CHECK(kept.shown("KEY")->scope == "acme/*/*");
    kept.made.set(kept.store, "acme/shop/production/KEY", "exact");
    kept.take_in();
    CHECK(kept.shown("KEY")->level == 0);
    must(remove_secret(kept.store, kept.made.owner, must(SecretName::parse("acme/shop/production/KEY")), {}));
    kept.take_in();
    CHECK(kept.shown("KEY")->level == 3);
    CHECK_FALSE(kept.shown("NONE"));
    CHECK_FALSE(kept.catalogue.resolve(place_of(kept.catalogue, "acme", "none", "production", "KEY")));
}

TEST_CASE("what is loaded at a start is what was taken in commit by commit") {
    Kept kept;
    for (int i = 0; i < 50; ++i) kept.made.set(kept.store, concat("acme/shop/production/KEY_", i % 20), "x");
    must(remove_secret(kept.store, kept.made.owner, must(SecretName::parse("acme/shop/production/KEY_3")),
                       {}));
    kept.take_in();
    Catalogue fresh;
    must(fresh.load(kept.reader.view()));
    CHECK(fresh.revision() == kept.catalogue.revision());
    CHECK(fresh.size().live == kept.catalogue.size().live);
    for (int i = 0; i < 20; ++i) {
        auto one = kept.shown(concat("KEY_", i));
        auto other = fresh.resolve(place_of(fresh, "acme", "shop", "production", concat("KEY_", i)));
        REQUIRE(one.has_value() == other.has_value());
        CHECK(one.has_value() == (i != 3));
        if (one) {
            CHECK(one->payload == other->payload);
            CHECK(one->version == other->version);
        }
    }
}

TEST_CASE("a superseded version is not revoked, a removed one is for good, a purged one too") {
    Kept kept;
    const SecretName name = must(SecretName::parse("acme/shop/production/KEY"));
    kept.made.set(kept.store, name.text(), "1");
    kept.take_in();
    const std::uint32_t secret = kept.shown("KEY")->secret;
    const Hash first = kept.shown("KEY")->payload;
    kept.made.set(kept.store, name.text(), "2");
    CHECK(kept.take_in().dropped == std::vector<Hash>{first});
    CHECK_FALSE(kept.catalogue.is_revoked(secret, 1));
    must(purge_version(kept.store, kept.made.owner, name, 1));
    kept.take_in();
    CHECK(kept.catalogue.is_revoked(secret, 1));
    CHECK_FALSE(kept.catalogue.is_revoked(secret, 2));
    // Removed and put again before anybody looked: what was open of version 2 is still taken back.
    must(remove_secret(kept.store, kept.made.owner, name, {}));
    kept.made.set(kept.store, name.text(), "4");
    kept.take_in();
    CHECK(kept.catalogue.is_revoked(secret, 2));
    CHECK_FALSE(kept.catalogue.is_revoked(secret, 4));
    CHECK(kept.shown("KEY")->secret == secret);
    CHECK(kept.catalogue.is_revoked(secret + 1000, 1));
}

TEST_CASE("a listing in small parts names each visible KEY once, also while secrets come and go") {
    Kept kept;
    for (int i = 0; i < 30; ++i) kept.made.set(kept.store, concat("acme/shop/production/KEY_", i), "x");
    kept.made.set(kept.store, "acme/*/*/KEY_5", "shadowed");
    kept.made.set(kept.store, "acme/*/*/WIDE", "x");
    kept.take_in();
    const Place folder = place_of(kept.catalogue, "acme", "shop", "production");
    std::multiset<std::string> seen;
    std::uint64_t cookie = 0;
    for (int part = 0;; ++part) {
        auto names = kept.catalogue.list(folder, cookie, 7);
        for (const ListedName& one : names) {
            seen.emplace(kept.catalogue.text(one.name));
            cookie = one.next;
        }
        if (names.size() < 7) break;
        if (part == 1) {
            must(remove_secret(kept.store, kept.made.owner,
                               must(SecretName::parse("acme/shop/production/KEY_0")), {}));
            kept.take_in();
        }
    }
    CHECK(seen.size() == 31);
    for (int i = 0; i < 30; ++i) CHECK(seen.count(concat("KEY_", i)) == 1);
    CHECK(seen.count("WIDE") == 1);
}

TEST_CASE("the directories that show a wide secret are those that its scope covers") {
    Kept kept;
    kept.made.set(kept.store, "acme/shop/production/A", "x");
    kept.made.set(kept.store, "acme/shop/staging/A", "x");
    kept.made.set(kept.store, "acme/billing/production/A", "x");
    kept.take_in();
    CHECK(kept.catalogue.directories_showing(must(Scope::parse("acme/*/*"))).size() == 3);
    CHECK(kept.catalogue.directories_showing(must(Scope::parse("acme/shop/*"))).size() == 2);
    CHECK(kept.catalogue.directories_showing(must(Scope::parse("acme/*/production"))).size() == 2);
    CHECK(kept.catalogue.directories_showing(must(Scope::parse("acme/shop/production"))) ==
          std::vector<Place>{place_of(kept.catalogue, "acme", "shop", "production")});
}

TEST_CASE("node ids follow the path and the key, not the order of looking") {
    Kept kept;
    kept.made.set(kept.store, "acme/shop/production/A", "x");
    kept.made.set(kept.store, "acme/shop/production/B", "x");
    kept.take_in();
    const Place a = place_of(kept.catalogue, "acme", "shop", "production", "A"),
                b = place_of(kept.catalogue, "acme", "shop", "production", "B");
    const Bytes key(32, 1), other_key(32, 2);
    NodeIds one(kept.catalogue, key), two(kept.catalogue, key), other(kept.catalogue, other_key);
    CHECK_FALSE(one.find(one.number(a)));
    const std::uint64_t id_a = one.hand_out(a), id_b = one.hand_out(b);
    CHECK(two.hand_out(b) == id_b);
    CHECK(two.hand_out(a) == id_a);
    CHECK(id_a != id_b);
    CHECK(id_a > kRootNode);
    CHECK(other.number(a) != id_a);
    CHECK(one.find(id_a) == a);
    CHECK(one.hand_out(a) == id_a);
    CHECK(one.find(kRootNode) == Place{});
    CHECK(one.hand_out({}) == kRootNode);
    CHECK_FALSE(one.find(12345));
}
