// SPDX-License-Identifier: Apache-2.0
//
// Keys that are no keys: points of low order, whose shared secret everybody knows, identities of zeros, and
// sealed boxes that anybody can make or open.
#include "keys/identity_file.h"
#include "tamper/tally.h"
#include "tamper/warm_readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const TrueHistory& history() {
    static const TrueHistory kHistory;
    return kHistory;
}

// Every X25519 point whose product with any scalar is zero, in each of its spellings (RFC 7748, section 6.1;
// the list is that of https://cr.yp.to/ecdh.html#validate), each with and without the bit that X25519
// ignores.
std::vector<SealingPublic> points_of_low_order() {
    constexpr const char* kPoints[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                       "0100000000000000000000000000000000000000000000000000000000000000",
                                       "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                       "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                       "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                       "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                       "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    std::vector<SealingPublic> out;
    for (const char* point : kPoints) {
        out.push_back(must(SealingPublic::parse(point)));
        out.push_back(out.back());
        out.back().bytes[31] |= 0x80;
    }
    return out;
}

// Ed25519 points of small order, for which a signature can hold that nobody made: (0, 1), (0, -1), order 4,
// order 8, and spellings of them past the prime.
std::vector<SigningPublic> points_of_small_order() {
    constexpr const char* kPoints[] = {"0000000000000000000000000000000000000000000000000000000000000000",
                                       "0100000000000000000000000000000000000000000000000000000000000000",
                                       "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                       "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                                       "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                       "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                       "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"};
    std::vector<SigningPublic> out;
    for (const char* point : kPoints) {
        out.push_back(must(SigningPublic::parse(point)));
        out.push_back(out.back());
        out.back().bytes[31] |= 0x80;
    }
    return out;
}

// The rule by which a reader at the history's end refuses the owner's next commit; "" when it is believed.
std::string refusal(std::vector<Operation> operations, const Identity& signer) {
    WarmReaders readers(history());
    auto& reader = readers.at(history().last());
    reader.rows->commits.push_back(
        {history().last() + 1, LogBuilder::sign(history().body(std::move(operations)), signer)});
    must(reader.store.catch_up());
    if (!reader.store.alarm()) return {};
    CHECK(difference(reader.store, history(), history().last(), Depth::live) == "");
    return std::string(reader.store.alarm()->error.rule);
}

constexpr std::string_view kShop = "acme/checkout/production";

}  // namespace

TEST_CASE("a scope key of low order is refused, whoever signs it") {
    Tally tally("scope keys of low order or in a second spelling");
    for (const SealingPublic& point : points_of_low_order()) {
        for (auto visibility : {Visibility::masked, Visibility::restricted}) {
            ScopeKeyAdd key = history().newest(kShop, visibility);
            key.id = random_fixed<ScopeKeyId>();
            key.public_half = point;
            ++key.generation;
            INFO(point.hex());
            CHECK(refusal({key}, history().owner) == "scope-key.public-key");
            CHECK_FALSE(is_safe_public_key(point));
            CHECK_FALSE(seal_payload(point, Hash{}, as_bytes("value")));
            tally.count("refused");
        }
    }
}

TEST_CASE("a principal with a key of low order is refused, as a text and in a commit") {
    Tally tally("principals with keys of low order or in a second spelling");
    const Identity fresh = numbered_identity(77);
    for (const SealingPublic& point : points_of_low_order()) {
        PrincipalAdd added = add(fresh, "nobody", Role::host, "*/*/*");
        added.recipient.sealing = point;
        CHECK(refusal({added}, history().owner) == "principal-add.public-key");
        CHECK_FALSE(Recipient::parse(added.recipient.text()));
        tally.count("refused");
    }
    for (const SigningPublic& point : points_of_small_order()) {
        PrincipalAdd added = add(fresh, "nobody", Role::owner, "*/*/*");
        added.recipient.signing = point;
        CHECK(refusal({added}, history().owner) == "principal-add.public-key");
        CHECK_FALSE(Recipient::parse(added.recipient.text()));
        tally.count("refused");
    }
}

TEST_CASE("a signature by a key of small order never holds") {
    Tally tally("signatures of zeros and of small order by keys of small order");
    const CommitBody body = history().body({removal("acme/checkout/*/PROXY", 4)});
    for (const SigningPublic& signer : points_of_small_order()) {
        for (const SigningPublic& half : points_of_small_order()) {
            Bytes commit = LogBuilder::sign(body, history().owner);
            std::ranges::copy(signer.bytes, commit.begin() + 6);
            std::fill(commit.begin() + 38, commit.begin() + 102, std::uint8_t{0});
            std::ranges::copy(half.bytes, commit.begin() + 38);
            REQUIRE_FALSE(signature_holds(must(parse_envelope(commit))));
            tally.count("refused");
        }
    }
}

TEST_CASE("forged grants take nothing from who has a true one, and give nothing to who has none") {
    Tally tally("forged grants, boxes with null keys and other people's among them");
    const ScopeKeyId key = history().newest(kShop, Visibility::masked).id;
    const Identity& holder = history().host;
    std::vector<SealedScopeKey> boxes(3);
    boxes[1].bytes.fill(0xff);
    boxes[2] = std::get<Grant>(history().granted(key, history().admin)).sealed;  // somebody else's
    // The box of another key, sealed for the right person.
    boxes.push_back(
        std::get<Grant>(history().granted(history().newest("acme/*/*", Visibility::masked).id, holder))
            .sealed);
    // A key of zeros, and of the wrong half, sealed as it should be.
    boxes.push_back(must(seal_scope_key(Bytes(32), holder.recipient().sealing)));
    boxes.push_back(must(seal_scope_key(holder.recipient().sealing.view(), holder.recipient().sealing)));
    for (const SealingPublic& point : points_of_low_order()) {
        SealedScopeKey box = std::get<Grant>(history().granted(key, holder)).sealed;
        std::ranges::copy(point.bytes, box.bytes.begin());  // an ephemeral key of low order
        boxes.push_back(box);
    }
    const SealedScopeKey right = std::get<Grant>(history().granted(key, holder)).sealed;
    for (std::size_t byte = 0; byte < SealedScopeKey::kSize; ++byte) {
        boxes.push_back(right);
        boxes.back().bytes[byte] ^= 1;
    }
    WarmReaders readers(history());
    for (const SealedScopeKey& box : boxes) {
        // To a host that has a true one, and to one that never had any; signed by an admin who may grant.
        const Identity newcomer = numbered_identity(88);
        auto rows = history().rows();
        const std::uint64_t last = history().last();
        CommitBody first{history().store,
                         last + 1,
                         history().head_at(last).hash,
                         0,
                         {add(newcomer, "web4", Role::host, "acme/*/production"),
                          Grant{key, newcomer.id(), box}, Grant{key, holder.id(), box}}};
        rows->commits.push_back({last + 1, LogBuilder::sign(first, history().owner)});
        auto& reader = readers.at(last);
        *reader.rows = *rows;
        must(reader.store.catch_up());
        REQUIRE_FALSE(reader.store.alarm());
        const std::string name = concat(kShop, "/DB_PASSWORD");
        CHECK(must(unseal_live(reader.store, holder, name)) ==
              history().at(last).secrets.at(name).versions.back().value);
        auto none = unseal_live(reader.store, newcomer, name);
        REQUIRE_FALSE(none);
        CHECK(none.error().code == Code::no_key);
        readers.forget(last);
        tally.count("refused");
    }
}

TEST_CASE("an identity of zeros, or any that is not in the store, opens nothing and serves nothing") {
    Tally tally("identities of one byte repeated, as host");
    WarmReaders readers(history());
    auto& reader = readers.at(history().last());
    for (unsigned byte = 0; byte < 256; ++byte) {
        Bytes seed(32, static_cast<std::uint8_t>(byte));
        const Identity null = must(Identity::from_seed(must(SecretBuffer::take(seed))));
        const bool known = history().at(history().last()).living.contains(null.id());
        if (known) continue;  // the people of the history are numbered like this
        auto host = reader.store.view().roster().find_host(null.id());
        REQUIRE_FALSE(host);
        CHECK(host.error().code == Code::not_allowed);
        for (const auto& [key, truth] : history().at(history().last()).keys) {
            const bool was_granted = history().at(history().last()).granted.contains({key, null.id()});
            REQUIRE(reader.store.scope_key(null, key).has_value() == was_granted);
        }
        tally.count("refused");
    }
    // The file of one, with public halves of zeros or of the host's that it wants to be.
    const std::string zeros(64, '0');
    for (const std::string& halves : {zeros, history().host.recipient().signing.hex()}) {
        const std::string file = concat("coffer identity 1\nsigning: ", halves, "\nsealing: ", zeros,
                                        "\nprotection: none\nseed: ", zeros, "\n");
        auto refused = decode_identity(as_bytes(file), [] { return Result<SecretBuffer>(SecretBuffer()); });
        REQUIRE_FALSE(refused);
        CHECK_FALSE(refused.error().rule.empty());
    }
}

TEST_CASE("a payload that an insider takes from elsewhere opens under no other name") {
    Tally tally("payloads put under another name, key, version or store by who may sign, damaged or whole",
                8);
    const TrueHistory other(0x50);
    WarmReaders readers(history());
    const std::uint64_t last = history().last();
    const Truth& truth = history().at(last);
    // An admin of the scope may put what she likes there; here she puts what she cannot read.
    std::vector<Bytes> stolen;
    for (const auto& [hash, payload] : other.payloads) stolen.push_back(payload);
    for (const auto& [hash, payload] : history().payloads) {
        for (std::size_t byte = 0; byte < payload.size(); byte += 5) {
            stolen.push_back(payload);
            stolen.back()[byte] ^= 0x40;
        }
    }
    for (const auto& [hash, payload] : history().payloads) stolen.push_back(payload);
    for (const Bytes& payload : stolen) {
        for (auto visibility : {Visibility::masked, Visibility::restricted}) {
            if (!tally.takes()) continue;
            const std::string name =
                concat(kShop, visibility == Visibility::masked ? "/DB_PASSWORD" : "/TOKEN");
            const std::uint64_t next = truth.secrets.at(name).versions.size() + 1;
            auto& reader = readers.at(last);
            *reader.rows = *history().rows();
            reader.rows->payloads[payload_hash(payload)] = payload;
            const Put put{history().newest(kShop, visibility).id,
                          must(SecretName::parse(name)).key,
                          next,
                          next,
                          0,
                          payload_hash(payload),
                          static_cast<std::uint32_t>(payload.size() - kPayloadOverhead)};
            reader.rows->commits.push_back(
                {last + 1, LogBuilder::sign(history().body({put}), history().admin)});
            must(reader.store.catch_up());
            const bool whole = history().payloads.contains(payload_hash(payload));
            if (reader.store.alarm()) {
                REQUIRE(whole);
                CHECK(reader.store.alarm()->error.rule == "put.payload-reused");
            } else {
                REQUIRE_FALSE(whole);
                for (const Identity* who : {&history().host, &history().owner}) {
                    auto got = unseal_live(reader.store, *who, name);
                    REQUIRE_FALSE(got);
                    CHECK(got.error().code == Code::tampered);
                    CHECK((got.error().rule == "payload.box" || got.error().rule == "payload.context"));
                }
                readers.forget(last);
            }
            tally.count("refused");
        }
    }
}
