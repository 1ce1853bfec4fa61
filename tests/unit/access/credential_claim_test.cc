// SPDX-License-Identifier: Apache-2.0
#include "access/attest/credential_claim.h"

#include "support/catch.h"

using namespace coffer;
using namespace std::string_view_literals;

namespace {

std::string abstract(std::string_view name) {
    return concat('\0', name);
}

}  // namespace

TEST_CASE("a peer's socket name says for which unit which credential is loaded") {
    auto claim = parse_credential_claim(abstract("adf9d86b6eda275e/unit/checkout.service/DB_PASSWORD"));
    REQUIRE(claim);
    CHECK(*claim == CredentialClaim{"checkout.service", "DB_PASSWORD"});
    claim = parse_credential_claim(abstract("0/unit/shop@berlin-1.service/tls.key"));
    REQUIRE(claim);
    CHECK(*claim == CredentialClaim{"shop@berlin-1.service", "tls.key"});
    claim = parse_credential_claim(abstract("1/unit/dev-disk\\x2dby.swap/K"));
    REQUIRE(claim);
    CHECK(claim->unit == "dev-disk\\x2dby.swap");
}

TEST_CASE("a socket name of another shape is no claim") {
    for (std::string_view name :
         {""sv, "\0"sv, "a/unit/u.service/K"sv, "/run/a/unit/u.service/K"sv, "\0/unit/u.service/K"sv,
          "\0a/unit/u.service"sv, "\0a/unit/u.service/"sv, "\0a/unit//K"sv, "\0a/units/u.service/K"sv,
          "\0a/unit/u.service/K/L"sv, "\0a/unit/u.service/K\0"sv, "\0a\0/unit/u.service/K\0more"sv,
          "\0a/unit/u service/K"sv, "\0a/unit/u\n.service/K"sv, "\0a/user/u.service/K"sv, "\0abc12"sv}) {
        INFO(std::string(name));
        auto claim = parse_credential_claim(name);
        REQUIRE_FALSE(claim);
        CHECK(claim.error().code == Code::invalid);
    }
    CHECK_FALSE(parse_credential_claim(abstract(concat("a/unit/", std::string(256, 'u'), "/K"))));
}

TEST_CASE("the ID of a credential is a KEY") {
    for (std::string_view id : {".hidden", "-k", "a b", "db:password", "a\\x2db", "\xc3\xa4"}) {
        auto claim = parse_credential_claim(abstract(concat("a/unit/u.service/", id)));
        REQUIRE_FALSE(claim);
        CHECK(claim.error().message.find("KEY of a secret") != std::string::npos);
    }
    CHECK(parse_credential_claim(abstract(concat("a/unit/u.service/", std::string(128, 'K')))));
    CHECK_FALSE(parse_credential_claim(abstract(concat("a/unit/u.service/", std::string(129, 'K')))));
}
