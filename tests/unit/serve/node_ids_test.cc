// SPDX-License-Identifier: Apache-2.0
#include "serve/node_ids.h"

#include "support/test_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const Bytes kMaterial(32, 1);

// A store with what a kernel may know of: live and removed KEYs, a wide one, two domains.
struct Known {
    TestStore made;
    VerifiedStore store{must(made.open("writer"))};
    Catalogue catalogue;

    Known() {
        made.set(store, "acme/shop/production/LIVE", "x");
        made.set(store, "acme/shop/production/GONE", "x");
        made.set(store, "acme/shop/staging/ALONE", "x");
        made.set(store, "acme/*/*/WIDE", "x");
        for (std::string_view name : {"acme/shop/production/GONE", "acme/shop/staging/ALONE"})
            must(remove_secret(store, made.owner, must(SecretName::parse(name)), {}));
        must(catalogue.load(store.view()));
    }
    [[nodiscard]] Place place(std::string_view org, std::string_view project = {},
                              std::string_view domain = {}, std::string_view key = {}) const {
        auto name = [&](std::string_view text) { return text.empty() ? kNoName : catalogue.find_name(text); };
        return {name(org), name(project), name(domain), name(key)};
    }
    [[nodiscard]] std::vector<Place> places() const {
        return {place("acme"),
                place("acme", "shop"),
                place("acme", "shop", "production"),
                place("acme", "shop", "production", "LIVE"),
                place("acme", "shop", "production", "GONE"),
                place("acme", "shop", "production", "WIDE"),
                place("acme", "shop", "staging"),
                place("acme", "shop", "staging", "ALONE"),
                place("acme", "shop", "staging", "WIDE"),
                {.org = kStatusFolder},
                {.org = kStatusFolder, .key = kStatusJson},
                {.org = kStatusFolder, .key = kMetrics},
                {.org = kStatusFolder, .key = kRevision}};
    }
};

}  // namespace

TEST_CASE("every id that an earlier daemon may have handed out is known after a hand-over") {
    Known known;
    NodeIds earlier(known.catalogue, kMaterial);
    // One daemon for each, so that what one look-up teaches does not help the next.
    for (const Place& place : known.places()) {
        const std::uint64_t node = earlier.hand_out(place);
        NodeIds later(known.catalogue, kMaterial);
        later.expect_earlier();
        CHECK(later.find(node) == place);
    }
}

TEST_CASE("a daemon on a mount of its own knows no id that it has not handed out") {
    Known known;
    NodeIds earlier(known.catalogue, kMaterial), fresh(known.catalogue, kMaterial);
    for (const Place& place : known.places()) CHECK_FALSE(fresh.find(earlier.hand_out(place)));
    CHECK(fresh.size() == 0);
}

TEST_CASE("an id that is nobody's stays unknown after a hand-over, and so does one under another key") {
    Known known;
    NodeIds later(known.catalogue, kMaterial), of_another_host(known.catalogue, Bytes(32, 2));
    later.expect_earlier();
    CHECK_FALSE(later.find(12345));
    CHECK_FALSE(later.find(of_another_host.hand_out(known.place("acme", "shop", "production", "LIVE"))));
    // KEYs that a directory does not show and never did are not learnt.
    CHECK_FALSE(later.find(later.number(known.place("acme", "shop", "staging", "LIVE"))));
}

TEST_CASE("all paths are learnt once, at the first id that is not known") {
    Known known;
    NodeIds later(known.catalogue, kMaterial);
    later.expect_earlier();
    const Place live = known.place("acme", "shop", "production", "LIVE");
    const std::uint64_t node = later.hand_out(live);
    CHECK(later.find(node) == live);
    CHECK(later.size() == 1);
    CHECK_FALSE(later.find(12345));
    const std::size_t learnt = later.size();
    CHECK(learnt == known.places().size());
    CHECK_FALSE(later.find(54321));
    CHECK(later.size() == learnt);
    CHECK(later.hand_out(live) == node);
}
