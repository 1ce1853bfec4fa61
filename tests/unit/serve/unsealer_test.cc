// SPDX-License-Identifier: Apache-2.0
#include "serve/unsealer.h"

#include <functional>

#include "base/wall_clock.h"
#include "serve/version_loader.h"
#include "support/forwarding_backend.h"
#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

struct Bench {
    TestStore made;
    VerifiedStore store{must(made.open("writer"))};
    Catalogue catalogue;
    KeyRing keys;
    Scratch scratch{must(Scratch::allocate())};

    void load() {
        must(catalogue.load(store.view()));
        must(keys.learn(store, made.host));
    }
    Shown shown(std::string_view key) {
        auto found = catalogue.resolve({catalogue.find_name("acme"), catalogue.find_name("shop"),
                                        catalogue.find_name("production"), catalogue.find_name(key)});
        REQUIRE(found);
        return *found;
    }
    std::string text(Unsealer& unsealer, const Shown& what) {
        auto sealed = must(unsealer.load(what, scratch, store.backend()));
        auto value = must(unsealer.open(*sealed, scratch));
        return std::string(as_text(value));
    }
};

bool all_zero(ByteView bytes) {
    for (std::uint8_t byte : bytes)
        if (byte != 0) return false;
    return true;
}

}  // namespace

TEST_CASE("a value comes back whole and its length is known before it is opened again") {
    Bench bench;
    bench.made.set(bench.store, "acme/shop/production/KEY", "correct horse");
    bench.load();
    Unsealer unsealer(bench.keys, bench.made.pin.store, 10);
    auto sealed = must(unsealer.load(bench.shown("KEY"), bench.scratch, bench.store.backend()));
    CHECK(sealed->size == 13);
    CHECK(all_zero(bench.scratch.area()));
    CHECK(all_zero(bench.scratch.box_key()));
    CHECK(all_zero(bench.scratch.scope_key()));
    CHECK(bench.text(unsealer, bench.shown("KEY")) == "correct horse");
    CHECK(all_zero(bench.scratch.box_key()));
}

TEST_CASE("the cache holds no more than it may, and what it has lost is derived again") {
    Bench bench;
    for (int i = 0; i < 6; ++i)
        bench.made.set(bench.store, concat("acme/shop/production/K", i), concat("v", i));
    bench.load();
    Unsealer unsealer(bench.keys, bench.made.pin.store, 3);
    auto first = must(unsealer.load(bench.shown("K0"), bench.scratch, bench.store.backend()));
    for (int i = 0; i < 6; ++i) CHECK(bench.text(unsealer, bench.shown(concat("K", i))) == concat("v", i));
    CHECK(unsealer.size().versions == 3);
    CHECK(as_text(must(unsealer.open(*first, bench.scratch))) == "v0");
    unsealer.drop(bench.shown("K5").payload);
    CHECK(unsealer.size().versions == 2);
    unsealer.clear();
    CHECK(unsealer.size().versions == 0);
    CHECK(unsealer.size().ciphertext_bytes == 0);
}

TEST_CASE("a payload that is shown for another name is refused, also when it is in the cache") {
    Bench bench;
    bench.made.set(bench.store, "acme/shop/production/MINE", "secret");
    bench.made.set(bench.store, "acme/shop/production/YOURS", "other!");
    bench.load();
    Unsealer unsealer(bench.keys, bench.made.pin.store, 10);
    CHECK(bench.text(unsealer, bench.shown("MINE")) == "secret");
    Shown moved = bench.shown("YOURS");
    moved.payload = bench.shown("MINE").payload;
    auto refused = unsealer.load(moved, bench.scratch, bench.store.backend());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::tampered);
    CHECK(all_zero(bench.scratch.area()));
    CHECK(bench.text(unsealer, bench.shown("MINE")) == "secret");
}

TEST_CASE("without the scope key a value is no_key, and again once the keys are wiped") {
    Bench bench;
    bench.made.set(bench.store, "acme/shop/production/KEY", "x");
    must(bench.catalogue.load(bench.store.view()));
    Unsealer unsealer(bench.keys, bench.made.pin.store, 10);
    CHECK(unsealer.load(bench.shown("KEY"), bench.scratch, bench.store.backend()).error().code ==
          Code::no_key);
    must(bench.keys.learn(bench.store, bench.made.host));
    auto sealed = must(unsealer.load(bench.shown("KEY"), bench.scratch, bench.store.backend()));
    bench.keys.clear();
    unsealer.clear();
    CHECK(unsealer.open(*sealed, bench.scratch).error().code == Code::no_key);
}

TEST_CASE("a missing payload is tampering") {
    Bench bench;
    bench.made.set(bench.store, "acme/shop/production/KEY", "x");
    bench.load();
    must(bench.store.backend().drop_payload(bench.shown("KEY").payload));
    Unsealer unsealer(bench.keys, bench.made.pin.store, 10);
    auto refused = unsealer.load(bench.shown("KEY"), bench.scratch, bench.store.backend());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().rule == "payload.missing");
}

TEST_CASE("a version that is replaced while it is loaded does not stay in the cache") {
    Bench bench;
    bench.made.set(bench.store, "acme/shop/production/KEY", "first");
    bench.load();
    Unsealer unsealer(bench.keys, bench.made.pin.store, 10);
    const Shown first = bench.shown("KEY");
    bench.made.set(bench.store, "acme/shop/production/KEY", "second");
    bench.load();
    unsealer.drop(first.payload);  // as the store watch does it
    Status status;
    auto audit = must(AuditLog::open({bench.made.folder / "audit.jsonl", {}}));
    const VersionLoader loader{bench.catalogue, unsealer, status, *audit};
    Worker worker{must(Scratch::allocate()), must(SqliteLog::open_read_only(bench.made.path()))};
    CHECK(must(loader.load(first, worker))->size == 5);  // who was about to open it still may
    CHECK(unsealer.size().versions == 0);
    CHECK(must(loader.load(bench.shown("KEY"), worker))->size == 6);
    CHECK(unsealer.size().versions == 1);
}

namespace {

// A payload that is looked up while something else happens.
class Slow final : public ForwardingBackend {
  public:
    Slow(std::unique_ptr<Backend> inner, std::function<void()> meanwhile)
        : ForwardingBackend(std::move(inner)), meanwhile_(std::move(meanwhile)) {}
    Result<Bytes> payload(const Hash& hash) override {
        auto found = ForwardingBackend::payload(hash);
        meanwhile_();
        return found;
    }

  private:
    std::function<void()> meanwhile_;
};

}  // namespace

TEST_CASE("what is loaded while the cache is cleared does not stay in it") {
    Bench bench;
    bench.made.set(bench.store, "acme/shop/production/KEY", "x");
    bench.load();
    Unsealer unsealer(bench.keys, bench.made.pin.store, 10);
    Slow slow(must(SqliteLog::open_read_only(bench.made.path())), [&] { unsealer.clear(); });
    CHECK(must(unsealer.load(bench.shown("KEY"), bench.scratch, slow))->size == 1);
    CHECK(unsealer.size().versions == 0);
}

TEST_CASE("expired versions leave the cache when their time comes") {
    Bench bench;
    bench.made.set(bench.store, "acme/shop/production/SHORT", "x", Visibility::masked, 5000);
    bench.made.set(bench.store, "acme/shop/production/LONG", "y", Visibility::masked, 9000);
    bench.made.set(bench.store, "acme/shop/production/EVER", "z");
    bench.load();
    Unsealer unsealer(bench.keys, bench.made.pin.store, 10);
    for (std::string_view key : {"SHORT", "LONG", "EVER"}) (void)bench.text(unsealer, bench.shown(key));
    unsealer.drop_expired(4999);
    CHECK(unsealer.size().versions == 3);
    unsealer.drop_expired(5000);
    CHECK(unsealer.size().versions == 2);
    unsealer.drop_expired(9001);
    CHECK(unsealer.size().versions == 1);
}

TEST_CASE("a large value is opened once for all who have it open") {
    Bench bench;
    const std::string value(100000, 'L');
    bench.made.set(bench.store, "acme/shop/production/BIG", value);
    bench.load();
    Unsealer unsealer(bench.keys, bench.made.pin.store, 10);
    auto sealed = must(unsealer.load(bench.shown("BIG"), bench.scratch, bench.store.backend()));
    CHECK(sealed->is_large());
    auto one = must(unsealer.open_large(*sealed, bench.scratch));
    auto two = must(unsealer.open_large(*sealed, bench.scratch));
    CHECK(one == two);
    CHECK(as_text(one->value) == value);
}
