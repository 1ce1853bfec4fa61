// SPDX-License-Identifier: Apache-2.0
#include "access/advice/rule_draft.h"

#include <algorithm>

#include "access/policy/policy_rule.h"
#include "base/utf8.h"
#include "support/policy_case.h"

using namespace coffer;
using namespace coffer::test;

namespace {

RuleDraft draft(const Caller& who) {
    auto out = draft_for(who);
    if (!out) FAIL(out.error().message);
    out->name = "n";
    out->secrets = {"acme/checkout/production/DB_PASSWORD"};
    return *out;
}

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a caller in a unit that lasts is named by unit and user, never by its program") {
    std::string text = draft(caller_in("/system.slice/checkout.service", 0)).toml();
    CHECK(holds(text, "unit    = \"checkout.service\"\n"));
    CHECK(holds(text, "user    = \"root\"\n"));
    CHECK_FALSE(holds(text, "exe"));
}

TEST_CASE("a user without a name is named by its number") {
    CHECK(holds(draft(caller_in("/system.slice/checkout.service", 3'999'999'999)).toml(),
                "uid     = 3999999999\n"));
}

TEST_CASE("a user that systemd makes for each run is left out beside its unit") {
    std::string text = draft(caller_in("/system.slice/checkout.service", 61184)).toml();
    CHECK(holds(text, "unit "));
    CHECK_FALSE(holds(text, "uid"));
    CHECK(holds(draft(caller_in("/system.slice/checkout.service", 61183)).toml(), "uid "));
}

TEST_CASE("a unit that is another one the next time is not named") {
    for (std::string_view unit :
         {"session-3.scope", "run-u12.service", "run-r0af3.service", "run-p12-i34.service",
          "docker-0123456789abcdef.scope", "user@1000.service"}) {
        INFO(unit);
        RuleDraft out = draft(caller_in(concat("/user.slice/", unit), 3'999'999'999));
        CHECK(out.unit.empty());
        CHECK(out.uid == 3'999'999'999);
        CHECK(out.exes == std::vector<std::string>{"/usr/bin/app"});
    }
    CHECK(draft(caller_in("/system.slice/run-backup.service")).unit == "run-backup.service");
    CHECK(draft(caller_in("/system.slice/app@7.service")).unit == "app@7.service");
    CHECK(draft(caller_in("/user.slice/user@7.service/app.slice/mail.service")).user_unit == "mail.service");
}

TEST_CASE("a program that was replaced while it ran is named by both of its paths") {
    Caller who = caller_in("/", 3'999'999'999, "/usr/bin/app (deleted)");
    RuleDraft out = draft(who);
    CHECK(out.exes == std::vector<std::string>{"/usr/bin/app", "/usr/bin/app (deleted)"});
    CHECK(check_draft(out, who, kDbPassword));
}

TEST_CASE("a draft for an interpreter says that it is for every script") {
    CHECK(holds(draft(caller_in("/", 1000, "/usr/bin/python3.11")).toml(),
                "# python3.11 runs whatever it is given"));
    CHECK_FALSE(holds(draft(caller_in("/", 1000)).toml(), "whatever it is given"));
}

TEST_CASE("nothing that a caller chooses ends a comment or becomes a pattern") {
    for (std::string_view path : {"/tmp/*", "/tmp/{a}", "/tmp/a\n[[rule]]", "/tmp/\xff"})
        CHECK_FALSE(draft_for(caller_in("/", 1000, std::string(path))));
    CHECK(comment_line("a\nsecrets = \"**\"\r\xff\x7f") == "# a?secrets = \"**\"???\n");
    RuleDraft quoted = draft(caller_in("/", 1000, "/tmp/a\" b\\"));
    CHECK(check_draft(quoted, caller_in("/", 1000, "/tmp/a\" b\\"), kDbPassword));
    CHECK(parse_policy(quoted.toml())->rules().size() == 1);
}

TEST_CASE("a draft that is wider or narrower than its caller does not pass the check") {
    Caller who = caller_in("/system.slice/checkout.service", 3'999'999'999);
    RuleDraft good = draft(who);
    REQUIRE(check_draft(good, who, kDbPassword));
    RuleDraft other = good;
    other.unit = "other.service";
    CHECK_FALSE(check_draft(other, who, kDbPassword));
    RuleDraft wide = good;
    wide.unit = "*.service";
    CHECK_FALSE(check_draft(wide, who, kDbPassword));
    RuleDraft elsewhere = good;
    elsewhere.secrets = {"acme/checkout/production/OTHER"};
    CHECK_FALSE(check_draft(elsewhere, who, kDbPassword));
}

TEST_CASE("names are made unique") {
    std::set<std::string> taken{"a", "a (2)"};
    CHECK(unique_name("a", taken) == "a (3)");
    CHECK(unique_name("a", taken) == "a (4)");
    CHECK(unique_name("b", taken) == "b");
}

TEST_CASE("a name as long as a rule's may be stays, a longer one is shortened, and each is given once") {
    std::set<std::string> taken;
    const std::string longest(kMaxRuleName, 'n'), longer = concat(longest, 'n');
    const std::string cut(kMaxRuleName - 7, 'n');
    CHECK(unique_name(longest, taken) == longest);
    CHECK(unique_name(longer, taken) == concat(cut, "nnnn..."));
    CHECK(unique_name(longest, taken) == concat(cut, "... (2)"));
    CHECK(unique_name(longer, taken) == concat(cut, "... (3)"));
}

TEST_CASE("a name is never cut within a character") {
    for (std::string_view character : {"\u00e9", "\u20ac", "\U0001f511"}) {
        for (std::size_t before = 0; before < character.size(); ++before) {
            std::string name(before, 'n');
            while (name.size() <= kMaxRuleName) name += character;
            std::set<std::string> taken;
            const std::string out = unique_name(name, taken);
            CHECK(is_utf8(as_bytes(out)));
            CHECK(out.size() <= kMaxRuleName);
            CHECK(out.size() > kMaxRuleName - character.size());
        }
    }
}
