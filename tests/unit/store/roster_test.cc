// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/team.h"

using namespace coffer;
using namespace coffer::test;

TEST_CASE("a host is found by its identity") {
    Team team;
    auto found = team.view.roster().find_host(team.host.id());
    REQUIRE(found);
    CHECK((*found)->name == "web1");
}

TEST_CASE("an identity that is no living host's is refused, and the reason says what it is") {
    Team team;
    team.commit(team.owner, {drop(team.staging)});
    struct Case {
        const Identity& identity;
        const char* reason;
    };
    for (const auto& [identity, reason] :
         {Case{team.stranger, "is not in the store; an owner adds it"},
          Case{team.staging, "\"web2\" was removed from the store in revision 4; an owner adds a new"},
          Case{team.editor, "\"eve\" is that of an editor, not of a host"}}) {
        INFO(reason);
        auto refused = team.view.roster().find_host(identity.id());
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code == Code::not_allowed);
        CHECK(refused.error().message.find(reason) != std::string::npos);
    }
}
