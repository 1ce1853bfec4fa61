// SPDX-License-Identifier: Apache-2.0
#include "serve/past_versions.h"

#include "change/rotation.h"
#include "serve/unsealer.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kPath = "acme/shop/production/KEY";

// A store, and what a daemon has of it: a view in a file, which its store watch keeps up to date.
struct Daemon {
    TestStore made;
    VerifiedStore store{must(made.open("writer"))};
    VerifiedStore reader{must(made.open("reader"))};
    Catalogue catalogue;
    KeyRing keys;
    Scratch scratch{must(Scratch::allocate())};
    PastVersions past{made.folder / "reader" / kViewFile, made.pin, catalogue};

    Daemon() { must(catalogue.load(reader.view())); }
    void take_in() {
        std::vector<CommitBody> commits;
        must(reader.catch_up([&](const CommitBody& commit) { commits.push_back(commit); }));
        must(catalogue.apply(reader.view(), commits));
        must(keys.learn(reader, made.host));
    }
    void remove(std::string_view name) {
        must(remove_secret(store, made.owner, must(SecretName::parse(name)), {}));
    }
    [[nodiscard]] Place place(std::string_view key = "KEY") const {
        return {catalogue.find_name("acme"), catalogue.find_name("shop"), catalogue.find_name("production"),
                catalogue.find_name(key)};
    }
    Code error(std::uint8_t level, std::uint64_t version) {
        auto found = past.find(place(), level, version);
        REQUIRE_FALSE(found);
        return found.error().code;
    }
    // What the daemon serves through a handle of this level and version.
    std::string text(std::uint8_t level, std::uint64_t version) {
        const Shown shown = must(past.find(place(), level, version));
        CHECK(shown.version == version);
        CHECK(shown.level == level);
        Unsealer unsealer(keys, made.pin.store, 10);
        auto sealed = must(unsealer.load(shown, scratch, reader.backend()));
        return std::string(as_text(must(unsealer.open(*sealed, scratch))));
    }
};

}  // namespace

TEST_CASE("a version that was superseded is found as it was, and the live one too") {
    Daemon daemon;
    daemon.made.set(daemon.store, kPath, "first", Visibility::masked, 5000);
    daemon.made.set(daemon.store, kPath, "second");
    daemon.take_in();
    CHECK(daemon.text(0, 1) == "first");
    CHECK(daemon.text(0, 2) == "second");
    CHECK(must(daemon.past.find(daemon.place(), 0, 1)).not_after_ms == 5000);
    CHECK(must(daemon.past.find(daemon.place(), 0, 2)).not_after_ms == 0);
    CHECK(must(daemon.past.find(daemon.place(), 0, 1)).scope == "acme/shop/production");
}

TEST_CASE("a version opens with the scope key that it was sealed under, after a rotation too") {
    Daemon daemon;
    daemon.made.set(daemon.store, kPath, "first");
    daemon.take_in();
    CHECK(daemon.text(0, 1) == "first");  // from here on the view's file is open
    must(rotate(daemon.store, daemon.made.owner,
                {.scope = must(Scope::parse("acme/shop/production")), .stale_only = false}));
    daemon.made.set(daemon.store, kPath, "second");
    daemon.take_in();
    CHECK(must(daemon.past.find(daemon.place(), 0, 1)).scope_key !=
          must(daemon.past.find(daemon.place(), 0, 2)).scope_key);
    CHECK(daemon.text(0, 1) == "first");
    CHECK(daemon.text(0, 2) == "second");
}

TEST_CASE("what never was there is not found") {
    Daemon daemon;
    daemon.made.set(daemon.store, kPath, "x");
    daemon.remove(kPath);
    daemon.made.set(daemon.store, kPath, "x");
    daemon.take_in();
    CHECK(daemon.error(0, 0) == Code::not_found);
    CHECK(daemon.error(0, 2) == Code::not_found);  // the removal
    CHECK(daemon.error(0, 4) == Code::not_found);
    CHECK(daemon.error(3, 1) == Code::not_found);  // no wider secret of this KEY
    auto unknown = daemon.past.find(daemon.place("NONE"), 0, 1);
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().code == Code::not_found);
}

TEST_CASE("a purged version is revoked, and those beside it are not") {
    Daemon daemon;
    daemon.made.set(daemon.store, kPath, "first");
    daemon.made.set(daemon.store, kPath, "second");
    daemon.made.set(daemon.store, kPath, "third");
    daemon.take_in();
    CHECK(daemon.text(0, 2) == "second");
    must(purge_version(daemon.store, daemon.made.owner, must(SecretName::parse(kPath)), 2));
    daemon.take_in();
    CHECK(daemon.error(0, 2) == Code::revoked);
    CHECK(daemon.text(0, 1) == "first");
    CHECK(daemon.text(0, 3) == "third");
}

TEST_CASE("what was removed stays revoked when the secret is put again or restored") {
    Daemon daemon;
    daemon.made.set(daemon.store, kPath, "first");
    daemon.made.set(daemon.store, kPath, "second");
    daemon.remove(kPath);
    daemon.take_in();
    CHECK(daemon.error(0, 1) == Code::revoked);
    CHECK(daemon.error(0, 2) == Code::revoked);
    daemon.made.set(daemon.store, kPath, "fourth");
    must(restore_secret(daemon.store, daemon.made.owner, must(SecretName::parse(kPath)), 2, {}));
    daemon.take_in();
    CHECK(daemon.error(0, 1) == Code::revoked);
    CHECK(daemon.error(0, 2) == Code::revoked);
    CHECK(daemon.text(0, 4) == "fourth");
    CHECK(daemon.text(0, 5) == "second");
}

TEST_CASE("the level says whose version it is, also where another secret hides it by now") {
    Daemon daemon;
    daemon.made.set(daemon.store, "acme/*/*/KEY", "wide");
    daemon.made.set(daemon.store, kPath, "exact");
    daemon.take_in();
    CHECK(daemon.text(3, 1) == "wide");
    CHECK(daemon.text(0, 1) == "exact");
    CHECK(must(daemon.past.find(daemon.place(), 3, 1)).scope == "acme/*/*");
    daemon.remove(kPath);
    daemon.take_in();
    CHECK(daemon.error(0, 1) == Code::revoked);
    CHECK(daemon.text(3, 1) == "wide");
}
