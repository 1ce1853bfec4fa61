// SPDX-License-Identifier: Apache-2.0
//
// Many values at once: full commits, lost swaps, and what is in when a later commit fails.
#include "change/import.h"

#include "support/forwarding_backend.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kScope = "acme/checkout/production";

// SQLite's log, with a word to say before each append: an error in its place, or another writer first.
class Appending final : public ForwardingBackend {
  public:
    using Before = std::function<Result<void>(int number)>;  // from 1
    Appending(std::unique_ptr<Backend> inner, Before before)
        : ForwardingBackend(std::move(inner)), before_(std::move(before)) {}
    Result<void> append(const Head& expected, ByteView commit, std::span<const Bytes> payloads) override {
        COFFER_CHECK(before_(++number_));
        return ForwardingBackend::append(expected, commit, payloads);
    }

  private:
    Before before_;
    int number_ = 0;
};

Result<VerifiedStore> open_with(const TestStore& test, Appending::Before before) {
    StoreOptions options;
    options.pin = test.pin;
    return VerifiedStore::open(
        std::make_unique<Appending>(must(SqliteLog::open(test.path())), std::move(before)), options);
}

struct Values {
    explicit Values(std::size_t count, std::string_view prefix = "K", std::size_t padding = 0) {
        for (std::size_t i = 0; i < count; ++i) {
            texts.push_back(concat("value ", i, std::string(padding, '.')));
            keys.push_back(concat(prefix, i));
        }
        for (std::size_t i = 0; i < count; ++i) values.push_back({keys[i], as_bytes(texts[i])});
    }
    [[nodiscard]] ImportRequest request(std::optional<Visibility> visibility = {}) const {
        return {must(Scope::parse(kScope)), visibility, values};
    }
    std::vector<std::string> texts, keys;
    std::vector<ImportedValue> values;
};

Result<ImportOutcome> import_all(VerifiedStore& store, const Identity& signer, const ImportRequest& request,
                                 std::vector<ImportOutcome>* told = nullptr) {
    return import_values(store, signer, request, [&](const ImportOutcome& now) {
        if (told) told->push_back(now);
    });
}

std::string name(std::string_view key) {
    return concat(kScope, '/', key);
}

}  // namespace

TEST_CASE("an import makes full commits, and the key that it needs in the first") {
    TestStore test;
    auto store = must(test.open());
    Values values(1500);
    std::vector<ImportOutcome> told;
    auto done = must(import_all(store, test.owner, values.request(), &told));
    CHECK(done.added == 1500);
    CHECK(done.commits == 2);
    CHECK(done.committed.head.revision == 3);
    REQUIRE(told.size() == 2);
    // The scope key and its grants take places of the first one.
    CHECK(told[0].looked_at < 1000);
    CHECK(told[0].looked_at > 990);
    for (std::size_t i : {std::size_t{0}, told[0].looked_at - 1, told[0].looked_at, std::size_t{1499}}) {
        CHECK(must(unseal_live(store, test.host, name(values.keys[i]))) == values.texts[i]);
        CHECK(must(unseal_live(store, test.owner, name(values.keys[i]))) == values.texts[i]);
    }
}

TEST_CASE("an import again changes what differs and leaves alone what is the same") {
    TestStore test;
    auto store = must(test.open());
    Values values(3);
    must(import_all(store, test.owner, values.request()));
    auto again = must(import_all(store, test.owner, values.request()));
    CHECK(again.same == 3);
    CHECK(again.commits == 0);
    CHECK(again.committed.head.revision == 2);

    values.values[1].value = as_bytes("VALUE 1");
    auto plan = must(plan_import(store, test.owner, values.request()));
    REQUIRE(plan.size() == 3);
    CHECK(plan[0].comparison == Comparison::same);
    CHECK(plan[0].version == 1);
    CHECK(plan[1].comparison == Comparison::changed);
    CHECK(plan[1].version == 2);
    auto changed = must(import_all(store, test.owner, values.request()));
    CHECK(changed.changed == 1);
    CHECK(changed.same == 2);
    CHECK(must(unseal_live(store, test.host, name("K1"))) == "VALUE 1");
}

TEST_CASE("large values are spread over commits") {
    TestStore test;
    auto store = must(test.open());
    Values values(30, "K", (1u << 20) - 16);
    auto done = must(import_all(store, test.owner, values.request()));
    CHECK(done.added == 30);
    CHECK(done.commits == 3);
    CHECK(must(unseal_live(store, test.host, name("K29"))) == values.texts[29]);
}

TEST_CASE("values of both visibilities go in together") {
    TestStore test;
    auto store = must(test.open());
    Values values(200);
    for (std::size_t i = 0; i < values.keys.size(); i += 2)
        test.set(store, name(values.keys[i]), "old", Visibility::restricted);
    auto done = must(import_all(store, test.owner, values.request()));
    CHECK(done.added == 100);
    CHECK(done.changed == 100);
    CHECK(done.commits <= 2);
    CHECK(must(unseal_live(store, test.host, name("K198"))) == values.texts[198]);
    CHECK(must(unseal_live(store, test.host, name("K199"))) == values.texts[199]);

    auto head = store.view().head();
    auto refused = import_all(store, test.owner, values.request(Visibility::masked));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("for ever") != std::string::npos);
    CHECK(store.view().head() == head);
}

TEST_CASE("an import that loses the swap is made anew on top of the other writer's commit") {
    TestStore test;
    auto other = must(test.open("other"));
    Values values(1200);
    auto store = must(open_with(test, [&](int number) -> Result<void> {
        if (number == 2) test.set(other, name("K1100"), "another writer's");
        return {};
    }));
    auto done = must(import_all(store, test.owner, values.request()));
    CHECK(done.added == 1199);
    CHECK(done.changed == 1);
    CHECK(must(unseal_live(store, test.host, name("K1100"))) == values.texts[1100]);
    CHECK(must(store.view().history(must(SecretName::parse(name("K1100"))))).size() == 2);
    CHECK_FALSE(store.alarm());
}

TEST_CASE("when a later commit fails the earlier ones are in and told, and the same import completes it") {
    TestStore test;
    Values values(2500);
    std::vector<ImportOutcome> told;
    {
        auto store = must(open_with(test, [](int number) -> Result<void> {
            if (number == 2) return fail(Code::unavailable, "the disk is full");
            return {};
        }));
        auto failed = import_all(store, test.owner, values.request(), &told);
        REQUIRE_FALSE(failed);
        CHECK(failed.error().code == Code::unavailable);
    }
    REQUIRE(told.size() == 1);
    auto store = must(test.open());
    CHECK(must(unseal_live(store, test.host, name(values.keys[told[0].looked_at - 1]))) ==
          values.texts[told[0].looked_at - 1]);
    CHECK_FALSE(unseal_live(store, test.host, name(values.keys[told[0].looked_at])));
    auto rest = must(import_all(store, test.owner, values.request()));
    CHECK(rest.same == told[0].looked_at);
    CHECK(rest.added + rest.same == 2500);
}

TEST_CASE("an import needs the rights that set needs") {
    TestStore test;
    auto store = must(test.open());
    Identity admin = test.add(store, "admin", Role::admin, "acme/checkout/*");
    Identity editor = test.add(store, "editor", Role::editor, "acme/*/*");
    Values values(2);
    auto head = store.view().head();
    for (const Identity* who : {&editor, &test.host}) {
        CHECK(import_all(store, *who, values.request()).error().code == Code::not_allowed);
        CHECK(plan_import(store, *who, values.request()).error().code == Code::not_allowed);
    }
    CHECK(import_all(store, admin, values.request(Visibility::restricted)).error().code == Code::not_allowed);
    CHECK(store.view().head() == head);
    CHECK(must(import_all(store, admin, values.request())).added == 2);
}

TEST_CASE("sealing with a scratch that held a longer value gives a payload that opens") {
    auto pair = must(generate_scope_key());
    SecretBuffer scratch;
    for (std::size_t size : {5000u, 0u, 63u, 64u, 255u, 256u, 1023u, 1024u, 4000u}) {
        const std::string value(size, 'v');
        const Hash context = payload_hash(as_bytes(value));
        auto payload = must(seal_payload(pair.public_half, context, as_bytes(value), scratch));
        auto opened = must(unseal_payload(payload, pair.private_half.view(), pair.public_half, context));
        CHECK(as_text(opened.view()) == value);
    }
}
