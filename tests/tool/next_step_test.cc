// SPDX-License-Identifier: Apache-2.0
#include "output/next_step.h"

#include "support/catch.h"

using namespace coffer;

TEST_CASE("a message that names a command is left as it is") {
    for (Code code : kAllCodes)
        CHECK(with_next_step({code, "broken; run `coffer verify`", {}}, "set") ==
              "broken; run `coffer verify`");
}

TEST_CASE("every kind of error leads to a command, apart from what no command mends") {
    for (Code code : kAllCodes) {
        const bool leads = with_next_step({code, "broken", {}}, "set").find("coffer ") != std::string::npos;
        CHECK(leads == (code != Code::failed && code != Code::expired));
    }
}

TEST_CASE("the command fits what was being done") {
    auto next = [](Code code, std::string_view verb, std::string_view rule = {}) {
        return with_next_step({code, "x", rule}, verb);
    };
    CHECK(next(Code::invalid, "scope add") == "x; see `coffer scope add --help`");
    CHECK(next(Code::invalid, "") == "x; see `coffer --help`");
    CHECK(next(Code::not_found, "get") == "x; see `coffer ls`");
    CHECK(next(Code::not_found, "identity show") == "x; see `coffer identity show --help`");
    CHECK(next(Code::not_allowed, "set") == "x; `coffer member ls` says who may do what");
    CHECK(next(Code::not_allowed, "ls") == "x; run `coffer doctor`");
    CHECK(next(Code::not_allowed, "verify", "put.signer") == "x; `coffer member ls` says who may do what");
    CHECK(next(Code::not_allowed, "policy explain") == "x");
    CHECK(next(Code::tampered, "get") == "x; run `coffer verify`");
    CHECK(next(Code::tampered, "verify").find("--repair") != std::string::npos);
}
