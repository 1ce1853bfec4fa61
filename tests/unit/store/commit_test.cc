// SPDX-License-Identifier: Apache-2.0
#include "log/commit.h"

#include "support/catch.h"
#include "support/log_builder.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const std::string kName = "acme/checkout/production/DB_PASSWORD";

std::vector<Operation> one_of_each() {
    auto key = scope_key(1, "acme/checkout/production", Visibility::restricted, 7);
    auto value = put(key, "DB_PASSWORD", 3);
    value.not_after_ms = 1'800'000'000'000;
    value.sealed_as = 2;
    value.padded_len = 1024;
    auto sealed = grant(key, numbered_identity(2));
    sealed.sealed.bytes.fill(0xee);
    return {add(numbered_identity(2), "alice", Role::admin, "acme/*/staging"),
            drop(numbered_identity(3)),
            key,
            sealed,
            value,
            removal(kName, 4),
            purge("acme/*/*/PROXY", 18446744073709551615u)};
}

CommitBody body_of(std::vector<Operation> operations) {
    return {random_fixed<StoreId>(), 5, random_fixed<Hash>(), 1234, std::move(operations)};
}

// A body whose only operation is written by hand.
Bytes body_with(std::uint8_t type, const Bytes& fields) {
    ByteWriter out;
    out.fixed(random_fixed<StoreId>());
    out.u64(2);
    out.fixed(random_fixed<Hash>());
    out.u64(0);
    out.u32(1);
    out.u8(type);
    out.lp(fields);
    return out.take();
}

Bytes fields_of(const Operation& operation) {
    Bytes body = encode_body(body_of({operation}));
    constexpr std::size_t kHeader = 16 + 8 + 32 + 8 + 4, kTypeAndLength = 5;
    return {body.begin() + kHeader + kTypeAndLength, body.end()};
}

std::string refusal(ByteView body) {
    auto decoded = decode_body(body);
    return decoded ? "" : std::string(decoded.error().rule);
}

std::string envelope_refusal(ByteView commit) {
    auto envelope = parse_envelope(commit);
    return envelope ? "" : std::string(envelope.error().rule);
}

}  // namespace

TEST_CASE("every operation is decoded to what was encoded") {
    for (const Operation& operation : one_of_each()) {
        INFO(operation_name(operation));
        auto body = body_of({operation});
        auto decoded = decode_body(encode_body(body));
        REQUIRE(decoded);
        CHECK(*decoded == body);
    }
    auto all = body_of(one_of_each());
    auto decoded = decode_body(encode_body(all));
    REQUIRE(decoded);
    CHECK(*decoded == all);
}

TEST_CASE("an operation has one spelling: what is decoded is encoded to the same bytes") {
    Bytes encoded = encode_body(body_of(one_of_each()));
    CHECK(encode_body(decode_body(encoded).value()) == encoded);
}

TEST_CASE("a body that ends anywhere before its end is refused") {
    Bytes encoded = encode_body(body_of(one_of_each()));
    for (std::size_t size = 0; size < encoded.size(); ++size) {
        INFO(size);
        CHECK(refusal(ByteView(encoded).first(size)) == "commit.truncated");
    }
}

TEST_CASE("a byte behind the last operation is refused") {
    Bytes encoded = encode_body(body_of(one_of_each()));
    encoded.push_back(0);
    CHECK(refusal(encoded) == "commit.trailing-bytes");
}

TEST_CASE("fields that are too short or too long for their operation are refused") {
    for (const Operation& operation : one_of_each()) {
        INFO(operation_name(operation));
        auto type = static_cast<std::uint8_t>(operation.index() + 1);
        Bytes fields = fields_of(operation);
        REQUIRE(refusal(body_with(type, fields)).empty());
        for (std::size_t size = 0; size < fields.size(); ++size) {
            INFO(size);
            Bytes shorter(fields.begin(), fields.begin() + static_cast<std::ptrdiff_t>(size));
            CHECK(refusal(body_with(type, shorter)) == "commit.truncated");
        }
        fields.push_back(0);
        CHECK(refusal(body_with(type, fields)) == "commit.trailing-bytes");
    }
}

TEST_CASE("a number of operations outside 1 to 1,000 is refused before anything is allocated") {
    for (std::uint32_t count : {0u, 1001u, 0xffffffffu}) {
        ByteWriter out;
        out.fixed(random_fixed<StoreId>());
        out.u64(2);
        out.fixed(random_fixed<Hash>());
        out.u64(0);
        out.u32(count);
        CHECK(refusal(out.bytes()) == "commit.operation-count");
    }
}

TEST_CASE("unknown operation types are refused") {
    for (int type : {0, 8, 9, 128, 255})
        CHECK(refusal(body_with(static_cast<std::uint8_t>(type), {})) == "commit.operation-type");
}

TEST_CASE("unknown roles and visibilities are refused") {
    Bytes person = fields_of(add(numbered_identity(2), "alice", Role::admin, "*/*/*"));
    constexpr std::size_t kRole = 4 + 5;  // behind lp "alice"
    for (int role : {0, 5, 255}) {
        person[kRole] = static_cast<std::uint8_t>(role);
        CHECK(refusal(body_with(1, person)) == "commit.enum");
    }
    Bytes key = fields_of(scope_key(1, "acme/*/*", Visibility::masked));
    constexpr std::size_t kVisibility = 16 + (4 + 4) + 4 + 4;  // behind the id and lp "acme", "", ""
    for (int visibility : {0, 3, 255}) {
        key[kVisibility] = static_cast<std::uint8_t>(visibility);
        CHECK(refusal(body_with(3, key)) == "commit.enum");
    }
}

TEST_CASE("names that are no path segments are refused wherever they stand") {
    const std::string bad = "a/b";
    auto rule = [&](Operation operation) { return refusal(encode_body(body_of({std::move(operation)}))); };
    auto person = add(numbered_identity(2), bad, Role::admin, "*/*/*");
    CHECK(rule(person) == "name.character");
    person.name = "";
    CHECK(rule(person) == "name.empty");
    person.name = std::string(65, 'a');
    CHECK(rule(person) == "name.too-long");
    person.name = "alice";
    person.pattern.domain = "..";
    CHECK(rule(person) == "name.first-character");

    auto key = scope_key(1, "acme/*/*", Visibility::masked);
    key.scope.project = "*";  // "all" is the empty segment
    CHECK(rule(key) == "name.character");
    key.scope = Scope{"", "checkout", ""};
    CHECK(rule(key) == "name.empty");

    CHECK(rule(put(key, "a\nb", 1)) == "name.character");
    CHECK(rule(put(key, std::string(129, 'a'), 1)) == "name.too-long");
    auto gone = removal(kName, 2);
    gone.name.key = "";
    CHECK(rule(gone) == "name.empty");
    auto purged = purge(kName, 2);
    purged.name.scope.org = "-x";
    CHECK(rule(purged) == "name.first-character");
}

TEST_CASE("public keys of low order are refused") {
    auto rule = [&](Operation operation) { return refusal(encode_body(body_of({std::move(operation)}))); };
    auto person = add(numbered_identity(2), "alice", Role::admin, "*/*/*");
    person.recipient.sealing = {};
    CHECK(rule(person) == "principal-add.public-key");
    person = add(numbered_identity(2), "alice", Role::admin, "*/*/*");
    person.recipient.signing = {};
    CHECK(rule(person) == "principal-add.public-key");
    auto key = scope_key(1, "acme/*/*", Visibility::masked);
    key.public_half = {};
    CHECK(rule(key) == "scope-key.public-key");
}

TEST_CASE("a padded length that no value has is refused") {
    auto value = put(scope_key(1, "acme/*/*", Visibility::masked), "KEY", 1);
    for (std::uint32_t length : {0u, 1u, 63u, 65u, 512u, 1025u, 2u << 20, 0xffffffffu}) {
        value.padded_len = length;
        CHECK(refusal(encode_body(body_of({value}))) == "put.padded-length");
    }
}

TEST_CASE("a signed commit is parsed, and its signature holds") {
    auto signer = numbered_identity(1);
    auto body = body_of(one_of_each());
    Bytes commit = sign_commit(body, signer).value();
    auto envelope = parse_envelope(commit);
    REQUIRE(envelope);
    CHECK(envelope->signer == signer.recipient().signing);
    CHECK(signature_holds(*envelope));
    CHECK(decode_body(envelope->body).value() == body);
}

TEST_CASE("every changed bit of a commit is noticed") {
    Bytes commit = sign_commit(body_of({removal(kName, 2)}), numbered_identity(1)).value();
    const Hash hash = commit_hash(commit);
    for (std::size_t i = 0; i < commit.size(); ++i) {
        INFO(i);
        Bytes changed = commit;
        changed[i] ^= static_cast<std::uint8_t>(1 << (i % 8));
        CHECK(commit_hash(changed) != hash);
        auto envelope = parse_envelope(changed);
        CHECK_FALSE((envelope && signature_holds(*envelope)));
    }
}

TEST_CASE("a signature of another signer does not hold") {
    auto body = body_of({removal(kName, 2)});
    Bytes one = sign_commit(body, numbered_identity(1)).value();
    Bytes two = sign_commit(body, numbered_identity(2)).value();
    constexpr std::size_t kSignature = 4 + 2 + 32;
    std::copy_n(two.begin() + kSignature, 64, one.begin() + kSignature);
    CHECK_FALSE(signature_holds(parse_envelope(one).value()));
}

TEST_CASE("an envelope of another kind, format or length is refused") {
    Bytes commit = sign_commit(body_of({removal(kName, 2)}), numbered_identity(1)).value();
    for (std::size_t size = 0; size < commit.size(); ++size) {
        INFO(size);
        CHECK(envelope_refusal(ByteView(commit).first(size)) ==
              (size < 4 ? "commit.magic" : "commit.truncated"));
    }
    Bytes changed = commit;
    changed.push_back(0);
    CHECK(envelope_refusal(changed) == "commit.trailing-bytes");
    changed = commit;
    changed[0] = 'c';
    CHECK(envelope_refusal(changed) == "commit.magic");
    for (int format : {0, 2, 255}) {
        changed = commit;
        changed[4] = static_cast<std::uint8_t>(format);
        CHECK(envelope_refusal(changed) == "commit.format");
    }
    changed = commit;
    changed[5] = 1;  // format 257
    CHECK(envelope_refusal(changed) == "commit.format");
    changed = commit;
    changed[4 + 2 + 32 + 64 + 3] = 0xff;  // the body's length
    CHECK(envelope_refusal(changed) == "commit.truncated");
    CHECK(envelope_refusal(Bytes(kMaxCommit + 1)) == "commit.too-large");
}

TEST_CASE("no more than 1,000 operations or 1 MiB are signed") {
    auto signer = numbered_identity(1);
    std::vector<Operation> operations(kMaxOperations, removal(kName, 2));
    CHECK(sign_commit(body_of(operations), signer));
    operations.push_back(removal(kName, 2));
    CHECK(sign_commit(body_of(operations), signer).error().code == Code::limit);
    CHECK(sign_commit(body_of({}), signer).error().code == Code::limit);
}

TEST_CASE("roles go to text and back") {
    for (Role role : {Role::owner, Role::admin, Role::editor, Role::host})
        CHECK(parse_role(to_text(role)).value() == role);
    CHECK_FALSE(parse_role("Owner"));
    CHECK_FALSE(parse_role(""));
}
