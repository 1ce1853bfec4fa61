// SPDX-License-Identifier: Apache-2.0
#include "serve/invalidator.h"

#include <vector>

#include "support/catch.h"

using namespace coffer;

TEST_CASE("every order is sent, in order, before the invalidator stops") {
    std::vector<std::uint64_t> sent;
    Invalidator invalidator;
    invalidator.start([&](const Invalidation& one) { sent.push_back(one.node); });
    for (std::uint64_t node = 1; node <= 1000; ++node) invalidator.order({node, {}});
    invalidator.stop();
    REQUIRE(sent.size() == 1000);
    for (std::size_t i = 0; i < sent.size(); ++i) REQUIRE(sent[i] == i + 1);
}
