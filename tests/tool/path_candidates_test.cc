// SPDX-License-Identifier: Apache-2.0
#include "input/path_candidates.h"

#include <vector>

#include "support/catch.h"

using namespace coffer;

namespace {

std::vector<std::string> candidates(std::string_view typed) {
    PathCandidates out(typed);
    for (const char* path : {"acme/*/*/PROXY", "acme/checkout/production/A", "acme/checkout/production/B",
                             "acme/checkout/staging/A", "beta/x/y/K"})
        out.add(path);
    return {out.words().begin(), out.words().end()};
}
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a path is completed up to its next slash, each candidate once") {
    CHECK(candidates("") == Words{"acme/", "beta/"});
    CHECK(candidates("acme/") == Words{"acme/*/", "acme/checkout/"});
    CHECK(candidates("acme/checkout") == Words{"acme/checkout/"});
    CHECK(candidates("acme/checkout/") == Words{"acme/checkout/production/", "acme/checkout/staging/"});
    CHECK(candidates("acme/checkout/production/") ==
          Words{"acme/checkout/production/A", "acme/checkout/production/B"});
}

TEST_CASE("a whole path completes to itself, and what begins no path to nothing") {
    CHECK(candidates("beta/x/y/K") == Words{"beta/x/y/K"});
    CHECK(candidates("beta/x/y/KE").empty());
    CHECK(candidates("/").empty());
}
