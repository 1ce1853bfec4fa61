// SPDX-License-Identifier: Apache-2.0
//
// Every rule of docs/store-format.md, "Replay", broken by a commit that is right in everything else.
#include "view/replay.h"

#include "support/catch.h"
#include "support/team.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr auto kMasked = Visibility::masked;
constexpr auto kRestricted = Visibility::restricted;
const std::string kScope = kTeamScope;
const std::string kName = kScope + "/DB_PASSWORD";

}  // namespace

// ---- revision 1

TEST_CASE("revision 1 is accepted from the pinned owner") {
    auto log = LogBuilder::empty();
    CHECK(log.try_commit(log.owner, {add(log.owner, "owner", Role::owner, "*/*/*")}).empty());
    CHECK(log.view.head().revision == 1);
}

TEST_CASE("revision 1 must begin by adding its signer as owner") {
    auto log = LogBuilder::empty();
    auto other = numbered_identity(2);
    CHECK(log.try_commit(log.owner, {add(other, "other", Role::owner, "*/*/*"),
                                     add(log.owner, "owner", Role::owner, "*/*/*")}) == "genesis.owner");
    CHECK(log.try_commit(log.owner, {add(log.owner, "owner", Role::admin, "*/*/*")}) == "genesis.owner");
    CHECK(log.try_commit(log.owner, {scope_key(1, kScope, kMasked)}) == "genesis.owner");
    CHECK(log.try_commit(other, {add(log.owner, "owner", Role::owner, "*/*/*")}) == "genesis.owner");
}

TEST_CASE("revision 1 of another owner than the pinned one is refused") {
    auto log = LogBuilder::empty();
    auto other = numbered_identity(2);
    CHECK(log.try_commit(other, {add(other, "owner", Role::owner, "*/*/*")}) == "genesis.pinned-owner");
}

TEST_CASE("revision 1 with a previous hash is refused") {
    auto log = LogBuilder::empty();
    auto body = log.body({add(log.owner, "owner", Role::owner, "*/*/*")});
    body.previous.bytes[0] = 1;
    CHECK(log.try_commit(LogBuilder::sign(body, log.owner)) == "commit.previous");
}

// ---- the chain and the signer

TEST_CASE("a commit of another store, revision or predecessor is refused") {
    Team log;
    auto right = log.body({put(log.masked, "OTHER", 1)});
    auto rule = [&](auto change) {
        auto body = right;
        change(body);
        return log.try_commit(LogBuilder::sign(body, log.owner));
    };
    CHECK(rule([](CommitBody& body) { body.store.bytes[3] ^= 1; }) == "commit.store");
    CHECK(rule([](CommitBody& body) { body.revision += 1; }) == "commit.revision");
    CHECK(rule([](CommitBody& body) { body.revision -= 1; }) == "commit.revision");
    CHECK(rule([](CommitBody& body) { body.previous.bytes[31] ^= 1; }) == "commit.previous");
    CHECK(rule([](CommitBody& body) { body.previous = {}; }) == "commit.previous");
    CHECK(rule([](CommitBody&) {}).empty());
}

TEST_CASE("a commit cannot be replayed or moved behind another") {
    Team log;
    auto bytes = LogBuilder::sign(log.body({put(log.masked, "OTHER", 1)}), log.owner);
    auto late = LogBuilder::sign(log.body({put(log.masked, "LATE", 1)}), log.owner);
    REQUIRE(log.try_commit(bytes).empty());
    CHECK(log.try_commit(bytes) == "commit.revision");
    CHECK(log.try_commit(late) == "commit.revision");
}

TEST_CASE("a commit's time is a claim: any is accepted") {
    Team log;
    for (std::uint64_t time : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
        auto body = log.body({put(log.masked, concat("KEY", time), 1)});
        body.time_ms = time;
        CHECK(log.try_commit(LogBuilder::sign(body, log.owner)).empty());
    }
}

TEST_CASE("a commit whose signature does not hold is refused") {
    Team log;
    auto bytes = LogBuilder::sign(log.body({put(log.masked, "OTHER", 1)}), log.owner);
    bytes[4 + 2 + 32] ^= 1;
    CHECK(log.try_commit(bytes) == "commit.signature");
}

TEST_CASE("the signature is checked before the body is parsed") {
    Team log;
    auto bytes = LogBuilder::sign(log.body({put(log.masked, "OTHER", 1)}), log.owner);
    bytes[4 + 2 + 32 + 64 + 4 + 16 + 8 + 32 + 8] = 0xff;  // an operation count that the parser would refuse
    CHECK(log.try_commit(bytes) == "commit.signature");
}

TEST_CASE("somebody who was never a principal signs nothing") {
    Team log;
    CHECK(log.try_commit(log.stranger, {put(log.masked, "OTHER", 1)}) == "commit.unknown-signer");
}

TEST_CASE("a removed admin signs nothing, from the next revision on") {
    Team log;
    log.commit(log.owner, {drop(log.admin)});
    CHECK(log.try_commit(log.admin, {removal(kName, 2)}) == "commit.removed-signer");
}

TEST_CASE("rights are those before the commit: an owner who removes itself still finishes it") {
    Team log;
    auto second = numbered_identity(6);
    log.commit(log.owner, {add(second, "second", Role::owner, "*/*/*")});
    log.commit(log.owner, {drop(log.owner), removal(kName, 2)});
    CHECK(log.try_commit(log.owner, {removal(kScope + "/TOKEN", 2)}) == "commit.removed-signer");
}

TEST_CASE("a commit that is refused in its last operation leaves no trace of the others") {
    Team log;
    auto key = scope_key(3, "acme/billing/*", kMasked);
    auto newcomer = numbered_identity(6);
    CHECK(log.try_commit(log.owner, {add(newcomer, "zoe", Role::host, "acme/*/*"), key, put(key, "A", 1),
                                     removal(kName, 2), put(log.masked, "B", 2)}) == "put.version");
    CHECK_FALSE(log.view.roster().find_living("zoe"));
    CHECK_FALSE(log.view.roster().scope_key(key.id));
    CHECK(log.secret(kName).live);
    log.commit(log.owner, {add(newcomer, "zoe", Role::host, "acme/*/*"), key, put(key, "A", 1)});
}

// ---- principals

TEST_CASE("only an owner adds or removes principals") {
    Team log;
    for (const Identity* signer : {&log.admin, &log.editor, &log.host}) {
        CHECK(log.try_commit(*signer, {add(log.stranger, "mallory", Role::host,
                                           "acme/checkout/production")}) == "principal-add.signer");
        CHECK(log.try_commit(*signer, {drop(log.staging)}) == "principal-remove.signer");
        CHECK(log.try_commit(*signer, {drop(*signer)}) == "principal-remove.signer");
    }
    CHECK(log.try_commit(log.owner, {add(log.stranger, "bob", Role::host, "*/*/*")}).empty());
    CHECK(log.try_commit(log.owner, {drop(log.stranger)}).empty());
}

TEST_CASE("names are unique among the living and free again afterwards") {
    Team log;
    CHECK(log.try_commit(log.owner, {add(log.stranger, "alice", Role::host, "*/*/*")}) ==
          "principal-add.name");
    log.commit(log.owner, {drop(log.admin), add(log.stranger, "alice", Role::host, "*/*/*")});
}

TEST_CASE("a principal's keys never return, neither both nor one of them, nor as a scope key") {
    Team log;
    CHECK(log.try_commit(log.owner, {add(log.admin, "again", Role::editor, "*/*/*")}) ==
          "principal-add.key-reused");
    log.commit(log.owner, {drop(log.admin)});
    CHECK(log.try_commit(log.owner, {add(log.admin, "alice", Role::admin, "acme/checkout/*")}) ==
          "principal-add.key-reused");
    auto mixed = add(log.stranger, "mixed", Role::host, "*/*/*");
    mixed.recipient.signing = log.admin.recipient().signing;
    CHECK(log.try_commit(log.owner, {mixed}) == "principal-add.key-reused");
    mixed = add(log.stranger, "mixed", Role::host, "*/*/*");
    mixed.recipient.sealing = log.admin.recipient().sealing;
    CHECK(log.try_commit(log.owner, {mixed}) == "principal-add.key-reused");
    mixed.recipient.sealing = log.masked.public_half;
    CHECK(log.try_commit(log.owner, {mixed}) == "principal-add.key-reused");
}

TEST_CASE("an owner is never limited to a pattern") {
    Team log;
    for (auto pattern : {"acme/*/*", "*/*/production", "acme/checkout/production"})
        CHECK(log.try_commit(log.owner, {add(log.stranger, "second", Role::owner, pattern)}) ==
              "principal-add.owner-pattern");
}

TEST_CASE("somebody who is not a living principal cannot be removed") {
    Team log;
    CHECK(log.try_commit(log.owner, {drop(log.stranger)}) == "principal-remove.principal");
    CHECK(log.try_commit(log.owner, {drop(log.admin), drop(log.admin)}) == "principal-remove.principal");
}

TEST_CASE("a store is never left without an owner") {
    Team log;
    CHECK(log.try_commit(log.owner, {drop(log.owner)}) == "commit.no-owner");
    // What counts is the end of the commit.
    auto second = numbered_identity(6);
    log.commit(log.owner, {drop(log.owner), add(second, "second", Role::owner, "*/*/*")});
    CHECK(log.view.roster().living_owners() == 1);
}

// ---- scope keys

TEST_CASE(
    "a restricted scope key takes an owner, a masked one an owner or an admin that contains the scope") {
    Team log;
    auto rule = [&](const Identity& signer, std::string_view scope, Visibility visibility) {
        return log.try_commit(signer, {scope_key(10, scope, visibility)});
    };
    CHECK(rule(log.admin, "acme/checkout/staging", kRestricted) == "scope-key.signer");
    CHECK(rule(log.admin, "acme/billing/production", kMasked) == "scope-key.signer");
    CHECK(rule(log.admin, "acme/*/production", kMasked) == "scope-key.signer");  // wider than the admin
    CHECK(rule(log.admin, "acme/*/*", kMasked) == "scope-key.signer");
    for (const Identity* signer : {&log.editor, &log.host}) {
        CHECK(rule(*signer, "acme/checkout/staging", kMasked) == "scope-key.signer");
        CHECK(rule(*signer, "acme/checkout/staging", kRestricted) == "scope-key.signer");
    }
    CHECK(rule(log.admin, "acme/checkout/*", kMasked).empty());
}

TEST_CASE("an admin cannot start a generation of a restricted key") {
    Team log;
    CHECK(log.try_commit(log.admin, {scope_key(10, kScope, kRestricted, 2)}) == "scope-key.signer");
    CHECK(log.try_commit(log.owner, {scope_key(10, kScope, kRestricted, 2)}).empty());
}

TEST_CASE("ids and public halves of scope keys never return") {
    Team log;
    auto key = scope_key(1, "acme/billing/*", kMasked);
    CHECK(log.try_commit(log.owner, {key}) == "scope-key.id-reused");
    key.id.bytes.fill(77);
    CHECK(log.try_commit(log.owner, {key}) == "scope-key.key-reused");
    key.public_half = log.host.recipient().sealing;
    CHECK(log.try_commit(log.owner, {key}) == "scope-key.key-reused");
}

TEST_CASE("generations go up by one, for each scope and visibility by itself") {
    Team log;
    for (std::uint32_t generation : {0u, 1u, 3u, 0xffffffffu})
        CHECK(log.try_commit(log.owner, {scope_key(10, kScope, kMasked, generation)}) ==
              "scope-key.generation");
    for (std::uint32_t generation : {0u, 2u})
        CHECK(log.try_commit(log.owner, {scope_key(10, "acme/billing/*", kMasked, generation)}) ==
              "scope-key.generation");
    log.commit(log.owner,
               {scope_key(10, kScope, kMasked, 2), scope_key(11, kScope, kMasked, 3),
                scope_key(12, kScope, kRestricted, 2), scope_key(13, "acme/billing/*", kMasked, 1)});
}

// ---- grants

TEST_CASE("a grant names a scope key that exists") {
    Team log;
    CHECK(log.try_commit(log.owner, {grant(scope_key(10, kScope, kMasked), log.host)}) == "grant.scope-key");
    auto key = scope_key(10, kScope, kMasked, 2);
    CHECK(log.try_commit(log.owner, {grant(key, log.host), key}) == "grant.scope-key");
    CHECK(log.try_commit(log.owner, {key, grant(key, log.host)}).empty());
}

TEST_CASE("whoever may make a scope key grants it, nobody else") {
    Team log;
    auto billing = scope_key(10, "acme/billing/production", kMasked);
    log.commit(log.owner, {billing});
    CHECK(log.try_commit(log.admin, {grant(log.restricted, log.host)}) == "grant.signer");
    CHECK(log.try_commit(log.admin, {grant(billing, log.host)}) == "grant.signer");
    CHECK(log.try_commit(log.editor, {grant(log.masked, log.host)}) == "grant.signer");
    CHECK(log.try_commit(log.host, {grant(log.masked, log.host)}) == "grant.signer");
    CHECK(log.try_commit(log.admin, {grant(log.masked, log.editor)}).empty());
}

TEST_CASE("a grant is for a living principal") {
    Team log;
    CHECK(log.try_commit(log.owner, {grant(log.masked, log.stranger)}) == "grant.principal");
    log.commit(log.owner, {drop(log.host)});
    CHECK(log.try_commit(log.owner, {grant(log.masked, log.host)}) == "grant.principal");
}

TEST_CASE("a restricted key is for owners and for hosts that meet the scope, whoever signs") {
    Team log;
    for (const Identity* who : {&log.admin, &log.editor, &log.staging})
        CHECK(log.try_commit(log.owner, {grant(log.restricted, *who)}) == "grant.entitlement");
    CHECK(log.try_commit(log.owner, {grant(log.restricted, log.owner), grant(log.restricted, log.host)})
              .empty());
}

TEST_CASE("a masked key is also for admins and editors that contain the scope") {
    Team log;
    auto billing = scope_key(10, "acme/billing/production", kMasked);
    auto wide = scope_key(11, "acme/*/*", kMasked);
    log.commit(log.owner, {billing, wide});
    CHECK(log.try_commit(log.owner, {grant(billing, log.admin)}) == "grant.entitlement");
    CHECK(log.try_commit(log.owner, {grant(wide, log.editor)}) == "grant.entitlement");
    CHECK(log.try_commit(log.owner, {grant(log.masked, log.staging)}) == "grant.entitlement");
    // A host meets what is wider than itself; grants may repeat.
    CHECK(log.try_commit(log.owner, {grant(log.masked, log.admin), grant(log.masked, log.editor),
                                     grant(wide, log.staging), grant(wide, log.staging)})
              .empty());
}

// ---- putting

TEST_CASE("a put names a scope key that exists") {
    Team log;
    CHECK(log.try_commit(log.owner, {put(scope_key(10, kScope, kMasked), "OTHER", 1)}) == "put.scope-key");
}

TEST_CASE("owners and containing admins put, of either visibility; nobody else does") {
    Team log;
    auto billing = scope_key(10, "acme/billing/production", kMasked),
         wide = scope_key(11, "acme/*/*", kMasked);
    log.commit(log.owner, {billing, wide});
    CHECK(log.try_commit(log.editor, {put(log.masked, "OTHER", 1)}) == "put.signer");
    CHECK(log.try_commit(log.host, {put(log.masked, "OTHER", 1)}) == "put.signer");
    CHECK(log.try_commit(log.admin, {put(billing, "OTHER", 1)}) == "put.signer");
    CHECK(log.try_commit(log.admin, {put(wide, "OTHER", 1)}) == "put.signer");
    CHECK(log.try_commit(log.admin, {put(log.masked, "OTHER", 1), put(log.restricted, "SEALED", 1)}).empty());
}

TEST_CASE("a secret's visibility is that of its first put, for ever") {
    Team log;
    CHECK(log.try_commit(log.owner, {put(log.restricted, "DB_PASSWORD", 2)}) == "put.visibility");
    log.commit(log.owner, {removal(kName, 2)});
    CHECK(log.try_commit(log.owner, {put(log.restricted, "DB_PASSWORD", 3)}) == "put.visibility");
    CHECK(log.try_commit(log.owner, {put(log.masked, "TOKEN", 2)}) == "put.visibility");
}

TEST_CASE("versions start at 1 and go up by one, also across a removal") {
    Team log;
    for (std::uint64_t version : {0u, 2u}) {
        auto value = put(log.masked, "OTHER", version);
        value.sealed_as = 1;
        CHECK(log.try_commit(log.owner, {value}) == "put.version");
    }
    for (std::uint64_t version : {1u, 3u})
        CHECK(log.try_commit(log.owner, {put(log.masked, "DB_PASSWORD", version)}) == "put.version");
    log.commit(log.owner, {removal(kName, 2)});
    CHECK(log.try_commit(log.owner, {put(log.masked, "DB_PASSWORD", 2)}) == "put.version");
    CHECK(log.try_commit(log.owner, {put(log.masked, "DB_PASSWORD", 1)}) == "put.version");
    log.commit(log.owner, {put(log.masked, "DB_PASSWORD", 3), put(log.masked, "DB_PASSWORD", 4)});
    CHECK(log.secret(kName).live->version == 4);
}

TEST_CASE("a put is sealed as itself or as an earlier version") {
    Team log;
    for (std::uint64_t sealed_as : {std::uint64_t{0}, std::uint64_t{3}, ~std::uint64_t{0}}) {
        auto value = put(log.masked, "DB_PASSWORD", 2);
        value.sealed_as = sealed_as;
        CHECK(log.try_commit(log.owner, {value}) == "put.sealed-as");
    }
}

TEST_CASE("a new value goes to the newest generation") {
    Team log;
    auto second = scope_key(10, kScope, kMasked, 2);
    log.commit(log.owner, {second});
    CHECK(log.try_commit(log.owner, {put(log.masked, "DB_PASSWORD", 2)}) == "put.generation");
    CHECK(log.try_commit(log.owner, {put(second, "DB_PASSWORD", 2)}).empty());
}

TEST_CASE("a generation is stale once somebody who was granted it is removed") {
    Team log;
    log.commit(log.owner, {drop(log.host)});
    CHECK(log.try_commit(log.owner, {put(log.masked, "DB_PASSWORD", 2)}) == "put.stale-generation");
    CHECK(log.try_commit(log.owner, {put(log.restricted, "TOKEN", 2)}) == "put.stale-generation");
    auto fresh = scope_key(10, kScope, kMasked, 2);
    log.commit(log.admin, {fresh, put(fresh, "DB_PASSWORD", 2)});
    CHECK(log.try_commit(log.owner, {put(log.restricted, "TOKEN", 2)}) == "put.stale-generation");
}

TEST_CASE("a generation is stale once its creator is removed") {
    Team log;
    auto key = scope_key(10, "acme/checkout/staging", kMasked);
    log.commit(log.admin, {key, put(key, "A", 1)});
    log.commit(log.owner, {drop(log.admin)});
    CHECK(log.try_commit(log.owner, {put(key, "A", 2)}) == "put.stale-generation");
}

TEST_CASE("a generation is stale within the commit that removes") {
    Team log;
    CHECK(log.try_commit(log.owner, {drop(log.host), put(log.masked, "DB_PASSWORD", 2)}) ==
          "put.stale-generation");
}

TEST_CASE("removing somebody who was never granted a key makes nothing stale") {
    Team log;
    log.commit(log.owner, {drop(log.editor), drop(log.staging)});
    CHECK(log.try_commit(log.owner, {put(log.masked, "DB_PASSWORD", 2)}).empty());
}

TEST_CASE("the payloads of one commit are bounded") {
    Team log;
    std::vector<Operation> operations;
    for (int i = 0; i < 16; ++i) {
        auto value = put(log.masked, concat("BIG", i), 1);
        value.padded_len = kMaxPadded;
        operations.emplace_back(value);
    }
    CHECK(log.try_commit(log.owner, operations) == "commit.payloads-too-large");
    operations.pop_back();
    CHECK(log.try_commit(log.owner, operations).empty());
}

// ---- restoring

TEST_CASE("a restore makes an earlier payload live again, of an older generation too") {
    Team log;
    auto second = scope_key(10, kScope, kMasked, 2);
    log.commit(log.owner, {second, put(second, "DB_PASSWORD", 2)});
    log.commit(log.admin, {restore(log.value, 3)});
    auto live = log.secret(kName).live.value();
    CHECK(live.version == 3);
    CHECK(live.sealed_as == 1);
    CHECK(live.payload == log.value.payload);
    CHECK(live.change == Change::restore);
}

TEST_CASE("a restore names a version that was put with a payload of its own") {
    Team log;
    log.commit(log.owner, {removal(kName, 2), restore(log.value, 3)});
    auto value = restore(log.value, 4);
    for (std::uint64_t sealed_as : {2u, 3u}) {  // a removal, and a restore
        value.sealed_as = sealed_as;
        CHECK(log.try_commit(log.owner, {value}) == "restore.version");
    }
}

TEST_CASE("a restore names the payload of that version to the letter") {
    Team log;
    auto second = scope_key(10, kScope, kMasked, 2);
    log.commit(log.owner, {second, put(second, "DB_PASSWORD", 2)});
    auto rule = [&](auto change) {
        auto value = restore(log.value, 3);
        change(value);
        return log.try_commit(log.owner, {value});
    };
    CHECK(rule([](Put& value) { value.payload.bytes[0] ^= 1; }) == "restore.payload");
    CHECK(rule([](Put& value) { value.padded_len = 256; }) == "restore.payload");
    CHECK(rule([&](Put& value) { value.scope_key = second.id; }) == "restore.payload");
    CHECK(rule([](Put& value) { value.not_after_ms = 1; }).empty());  // that may change
}

TEST_CASE("a purged version is not restored") {
    Team log;
    log.commit(log.owner, {put(log.masked, "DB_PASSWORD", 2), purge(kName, 1)});
    CHECK(log.try_commit(log.owner, {restore(log.value, 3)}) == "restore.purged");
}

TEST_CASE("a restore takes the same rights, and a key that is not stale, as a new value") {
    Team log;
    log.commit(log.owner, {put(log.masked, "DB_PASSWORD", 2)});
    CHECK(log.try_commit(log.editor, {restore(log.value, 3)}) == "put.signer");
    log.commit(log.owner, {drop(log.host)});
    CHECK(log.try_commit(log.owner, {restore(log.value, 3)}) == "put.stale-generation");
}

// ---- removing and purging

TEST_CASE("owners and containing admins remove and purge; nobody else does") {
    Team log;
    auto billing = scope_key(10, "acme/billing/*", kMasked);
    log.commit(log.owner,
               {billing, put(billing, "A", 1), put(billing, "A", 2), put(log.masked, "DB_PASSWORD", 2)});
    for (const Identity* signer : {&log.editor, &log.host}) {
        CHECK(log.try_commit(*signer, {removal(kName, 3)}) == "remove.signer");
        CHECK(log.try_commit(*signer, {purge(kName, 1)}) == "purge.signer");
    }
    CHECK(log.try_commit(log.admin, {removal("acme/billing/*/A", 3)}) == "remove.signer");
    CHECK(log.try_commit(log.admin, {purge("acme/billing/*/A", 1)}) == "purge.signer");
    CHECK(log.try_commit(log.admin, {purge(kName, 1), removal(kName, 3)}).empty());
}

TEST_CASE("only a live secret is removed") {
    Team log;
    CHECK(log.try_commit(log.owner, {removal(kScope + "/NEVER", 1)}) == "remove.not-live");
    CHECK(log.try_commit(log.owner, {removal("acme/never/*/DB_PASSWORD", 1)}) == "remove.not-live");
    log.commit(log.owner, {removal(kName, 2)});
    CHECK(log.try_commit(log.owner, {removal(kName, 3)}) == "remove.not-live");
    CHECK_FALSE(log.secret(kName).live);
}

TEST_CASE("a removal consumes the next version") {
    Team log;
    for (std::uint64_t version : {0u, 1u, 3u})
        CHECK(log.try_commit(log.owner, {removal(kName, version)}) == "remove.version");
    CHECK(log.try_commit(log.owner, {removal(kName, 2)}).empty());
    CHECK(log.secret(kName).last_version == 2);
}

TEST_CASE("only a version that has a value is purged, once") {
    Team log;
    log.commit(log.owner, {removal(kName, 2)});
    CHECK(log.try_commit(log.owner, {purge(kScope + "/NEVER", 1)}) == "purge.version");
    for (std::uint64_t version : {0u, 2u, 3u})  // none, a removal, none yet
        CHECK(log.try_commit(log.owner, {purge(kName, version)}) == "purge.version");
    log.commit(log.owner, {purge(kName, 1)});
    CHECK(log.try_commit(log.owner, {purge(kName, 1)}) == "purge.again");
}

TEST_CASE("the live payload is not purged, under whatever version") {
    Team log;
    CHECK(log.try_commit(log.owner, {purge(kName, 1)}) == "purge.live");
    log.commit(log.owner, {put(log.masked, "DB_PASSWORD", 2), restore(log.value, 3)});
    CHECK(log.try_commit(log.owner, {purge(kName, 3)}) == "purge.live");
    CHECK(log.try_commit(log.owner, {purge(kName, 1)}) == "purge.live");  // version 3 was restored from it
    CHECK(log.try_commit(log.owner, {purge(kName, 2)}).empty());
}

TEST_CASE("purging a version purges what was restored from it") {
    Team log;
    log.commit(log.owner, {put(log.masked, "DB_PASSWORD", 2), restore(log.value, 3)});
    log.commit(log.owner, {put(log.masked, "DB_PASSWORD", 4), purge(kName, 3)});
    CHECK(log.try_commit(log.owner, {purge(kName, 1)}) == "purge.again");
    CHECK(log.view.version(SecretName::parse(kName).value(), 1).value()->purged);
}

TEST_CASE("a fresh put names a payload that was never put before, in whichever secret") {
    Team log;
    auto reused = put(log.masked, "OTHER", 1);
    reused.payload = log.value.payload;
    CHECK(log.try_commit(log.admin, {reused}) == "put.payload-reused");
    auto twin = put(log.masked, "TWIN", 1);
    twin.payload = put(log.masked, "OTHER", 1).payload;
    CHECK(log.try_commit(log.admin, {put(log.masked, "OTHER", 1), twin}) == "put.payload-reused");
    log.commit(log.owner, {put(log.masked, "DB_PASSWORD", 2), purge(kName, 1)});
    CHECK(log.try_commit(log.admin, {reused}) == "put.payload-reused");  // nor one that was purged
    CHECK(log.try_commit(log.admin, {put(log.masked, "OTHER", 1)}).empty());
}
