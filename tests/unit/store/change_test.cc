// SPDX-License-Identifier: Apache-2.0
//
// Roles and visibility as the writers and readers of one store meet them.
#include <thread>

#include "log/commit.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

SetRequest request(std::string_view name, std::optional<Visibility> visibility = {}) {
    return {must(SecretName::parse(name)), visibility, 0, {}};
}

constexpr std::string_view kKey = "acme/checkout/production/KEY";

}  // namespace

TEST_CASE("set makes the scope key it needs in the same commit") {
    TestStore test;
    auto store = must(test.open());
    auto first = test.set(store, kKey, "one");
    CHECK(first.made_scope_key);
    CHECK(first.version == 1);
    CHECK(first.committed.head.revision == 2);
    auto second = test.set(store, kKey, "two");
    CHECK_FALSE(second.made_scope_key);
    CHECK(second.version == 2);
    CHECK(must(unseal_live(store, test.owner, kKey)) == "two");
    CHECK(must(unseal_live(store, test.host, kKey)) == "two");
}

TEST_CASE("an admin writes masked secrets of its scope and has to ask an owner for a restricted key") {
    TestStore test;
    auto store = must(test.open());
    Identity admin = test.add(store, "admin", Role::admin, "acme/checkout/*");
    CHECK(must(set_secret(store, admin, request(kKey), as_bytes("v"))).made_scope_key);
    auto refused = set_secret(store, admin, request("acme/checkout/production/R", Visibility::restricted),
                              as_bytes("v"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::not_allowed);
    CHECK(refused.error().message.find("coffer scope add acme/checkout/production") != std::string::npos);

    must(add_scope(store, test.owner, must(Scope::parse("acme/checkout/production"))));
    must(set_secret(store, admin, request("acme/checkout/production/R", Visibility::restricted),
                    as_bytes("deposited")));
    CHECK(must(unseal_live(store, test.host, "acme/checkout/production/R")) == "deposited");
    CHECK(unseal_live(store, admin, "acme/checkout/production/R").error().code == Code::no_key);
    CHECK(must(unseal_live(store, test.owner, "acme/checkout/production/R")) == "deposited");
}

TEST_CASE("an admin writes nothing outside its scope, an editor and a host nothing at all") {
    TestStore test;
    auto store = must(test.open());
    Identity admin = test.add(store, "admin", Role::admin, "acme/checkout/*");
    Identity editor = test.add(store, "editor", Role::editor, "acme/*/*");
    test.set(store, kKey, "v");
    for (const Identity* who : {&editor, &test.host}) {
        auto refused = set_secret(store, *who, request(kKey), as_bytes("x"));
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::not_allowed);
        CHECK(remove_secret(store, *who, must(SecretName::parse(kKey)), {}).error().code ==
              Code::not_allowed);
    }
    CHECK(set_secret(store, admin, request("acme/billing/production/KEY"), as_bytes("x")).error().code ==
          Code::not_allowed);
    CHECK(set_secret(store, admin, request("acme/*/*/KEY"), as_bytes("x")).error().code == Code::not_allowed);
    CHECK(must(unseal_live(store, editor, kKey)) == "v");
}

TEST_CASE("an editor reveals masked secrets and never a restricted one") {
    TestStore test;
    auto store = must(test.open());
    Identity editor = test.add(store, "editor", Role::editor, "acme/*/*");
    test.set(store, kKey, "masked");
    test.set(store, "acme/checkout/production/R", "restricted", Visibility::restricted);
    auto masked = must(store.view().find(must(SecretName::parse(kKey))));
    CHECK(as_text(must(reveal(store, editor, *masked, *masked->live)).view()) == "masked");
    auto restricted = must(store.view().find(must(SecretName::parse("acme/checkout/production/R"))));
    for (const Identity* who : {&editor, &test.owner})
        CHECK(reveal(store, *who, *restricted, *restricted->live).error().code == Code::not_allowed);
    CHECK(unseal_live(store, editor, "acme/checkout/production/R").error().code == Code::no_key);
}

TEST_CASE("a host of staging cannot unseal production, but what is project-wide it can") {
    TestStore test("acme/*/staging");
    auto store = must(test.open());
    test.set(store, kKey, "production");
    test.set(store, "acme/checkout/staging/KEY", "staging");
    test.set(store, "acme/checkout/*/KEY", "project");
    CHECK(unseal_live(store, test.host, kKey).error().code == Code::no_key);
    CHECK(must(unseal_live(store, test.host, "acme/checkout/staging/KEY")) == "staging");
    CHECK(must(unseal_live(store, test.host, "acme/checkout/*/KEY")) == "project");
}

TEST_CASE("visibility is fixed for ever, across removal too") {
    TestStore test;
    auto store = must(test.open());
    test.set(store, kKey, "v", Visibility::restricted);
    must(remove_secret(store, test.owner, must(SecretName::parse(kKey)), {}));
    auto refused = set_secret(store, test.owner, request(kKey, Visibility::masked), as_bytes("v"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::invalid);
    auto again = must(set_secret(store, test.owner, request(kKey), as_bytes("v")));
    CHECK(again.visibility == Visibility::restricted);
    CHECK(again.version == 3);
}

TEST_CASE("a restore brings an old value back without unsealing it, and a purge makes that impossible") {
    TestStore test;
    auto store = must(test.open());
    Identity admin = test.add(store, "admin", Role::admin, "acme/*/*");
    test.set(store, kKey, "one", Visibility::restricted);
    test.set(store, kKey, "two", Visibility::restricted);
    auto name = must(SecretName::parse(kKey));
    CHECK(must(restore_secret(store, admin, name, 1, {})).version == 3);
    CHECK(must(unseal_live(store, test.host, kKey)) == "one");
    SECTION("the payload of the live version cannot be purged under another number") {
        auto refused = purge_version(store, admin, name, 1);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().rule == "purge.live");
    }
    must(purge_version(store, admin, name, 2));
    CHECK(restore_secret(store, admin, name, 2, {}).error().code == Code::not_found);
    CHECK(must(store.backend().payload_hashes()).size() == 1);
    must(purge_version(store, admin, name, 2));
    CHECK(restore_secret(store, admin, name, 99, {}).error().code == Code::not_found);
}

TEST_CASE("--if-version commits only on the version that it names") {
    TestStore test;
    auto store = must(test.open());
    auto wanted = request(kKey);
    wanted.if_version = 0;
    CHECK(must(set_secret(store, test.owner, wanted, as_bytes("v"))).version == 1);
    auto refused = set_secret(store, test.owner, wanted, as_bytes("w"));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::conflict);
    CHECK(must(unseal_live(store, test.host, kKey)) == "v");
}

TEST_CASE("removing a principal is effective at once, rotates what it held and lists what it knew") {
    TestStore test;
    auto store = must(test.open());
    Identity admin = test.add(store, "admin", Role::admin, "acme/checkout/*");
    test.set(store, kKey, "v");
    test.set(store, "acme/checkout/production/R", "v", Visibility::restricted);
    test.set(store, "acme/billing/production/KEY", "v");
    auto removed = must(remove_principal(store, test.owner, "admin"));
    CHECK(removed.rotated == 1);
    REQUIRE(removed.to_change.size() == 1);
    CHECK(removed.to_change[0].text() == kKey);
    CHECK(set_secret(store, admin, request(kKey), as_bytes("x")).error().code == Code::not_allowed);
    test.set(store, kKey, "new");
    CHECK(unseal_live(store, admin, kKey).error().code == Code::no_key);
    CHECK(must(unseal_live(store, test.host, kKey)) == "new");
}

TEST_CASE("a host added later unseals what is live, of older generations too") {
    TestStore test;
    auto store = must(test.open());
    test.set(store, "acme/checkout/production/OLD", "old");
    must(rotate(store, test.owner, {must(Scope::parse("acme/checkout/production")), false, false}));
    test.set(store, "acme/checkout/production/NEW", "new");
    Identity late = test.add(store, "late", Role::host, "acme/*/production");
    CHECK(must(unseal_live(store, late, "acme/checkout/production/OLD")) == "old");
    CHECK(must(unseal_live(store, late, "acme/checkout/production/NEW")) == "new");
}

TEST_CASE("rotate --reseal puts live values anew under the new generation") {
    TestStore test;
    auto store = must(test.open());
    test.set(store, kKey, "v", Visibility::restricted);
    test.set(store, "acme/checkout/production/EMPTY", "");
    auto done = must(rotate(store, test.owner, {{}, false, true}));
    CHECK(done.rotated == 2);
    CHECK(done.resealed == 2);
    auto secret = must(store.view().find(must(SecretName::parse(kKey))));
    CHECK(secret->live->version == 2);
    CHECK(store.view().roster().scope_key(secret->live->scope_key)->generation == 2);
    CHECK(must(unseal_live(store, test.host, kKey)) == "v");
    CHECK(must(unseal_live(store, test.host, "acme/checkout/production/EMPTY")).empty());
}

TEST_CASE("an owner added later holds every key and the last owner cannot be removed") {
    TestStore test;
    auto store = must(test.open());
    test.set(store, kKey, "v", Visibility::restricted);
    Identity second = test.add(store, "second", Role::owner, "*/*/*");
    CHECK(must(unseal_live(store, second, kKey)) == "v");
    must(remove_principal(store, second, "owner"));
    auto refused = remove_principal(store, second, "second");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().rule == "commit.no-owner");
}

TEST_CASE("two writers of one key at once lose no update") {
    TestStore test;
    constexpr int kEach = 25;
    auto write = [&](int writer) {
        auto store = must(test.open("state-" + std::to_string(writer)));
        for (int i = 0; i < kEach; ++i)
            must(set_secret(store, test.owner, request(kKey), as_bytes(concat(writer, ".", i))));
    };
    std::thread other(write, 1);
    write(2);
    other.join();
    auto store = must(test.open());
    CHECK(store.view().head().revision == 1 + 2 * kEach);
    CHECK(must(store.view().history(must(SecretName::parse(kKey)))).size() == 2 * kEach);
}

TEST_CASE("many secrets are removed in as many commits as it takes, and what is gone already is left out") {
    TestStore test;
    auto store = must(test.open("writer"));
    constexpr std::uint32_t kCount = kMaxOperations + 3;
    std::vector<SecretName> names;
    for (std::uint32_t i = 0; i < kCount; ++i) {
        names.push_back(must(SecretName::parse(concat("acme/web/staging/K", i))));
        must(set_secret(store, test.owner, request(names.back().text()), as_bytes("v")));
    }
    must(set_secret(store, test.owner, request(kKey), as_bytes("v")));
    must(remove_secret(store, test.owner, names[7], {}));
    const auto before = store.view().head().revision;
    auto done = must(remove_secrets(store, test.owner, names));
    CHECK(done.committed.head.revision == before + 2);
    CHECK(done.removed.size() == kCount - 1);
    for (const SecretName& name : names) CHECK_FALSE(must(store.view().find(name))->live);
    CHECK(must(store.view().find(must(SecretName::parse(kKey))))->live);
    CHECK_FALSE(must(remove_secrets(store, test.owner, names)).committed.changed);
}

TEST_CASE("a value of 1 MiB is kept and one byte more is refused") {
    TestStore test;
    auto store = must(test.open());
    std::string value(kMaxValue, 'x');
    test.set(store, kKey, value);
    CHECK(must(unseal_live(store, test.host, kKey)) == value);
    value += 'x';
    auto refused = set_secret(store, test.owner, request(kKey), as_bytes(value));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::invalid);
}
