// SPDX-License-Identifier: Apache-2.0
#include "access/advice/policy_learn.h"

#include "access/advice/policy_explain.h"
#include "access/policy/policy_rule.h"
#include "support/policy_case.h"

using namespace coffer;
using namespace coffer::test;

namespace {

Learnt learnt(const std::vector<AuditRecord>& records, const LearnOptions& options = {}) {
    auto out = learn(records, options);
    if (!out) FAIL(out.error().message);
    return *std::move(out);
}

const Caller kCheckout = caller_in("/system.slice/checkout.service", 3'999'999'999);
const Caller kTool = caller_in("/user.slice/session-3.scope", 3'999'999'998, "/usr/bin/psql");

AuditRecord refused(const Caller& who, std::string_view path, int second = 0) {
    return audit_record(who, false, path, "", "no rule allows it", 1, second);
}

bool allows(const Learnt& out, const AuditRecord& record) {
    return entitle(parse_policy(out.toml()), record.caller).decide(*read_secret_path(record.path)).allow;
}

}  // namespace

TEST_CASE("refused reads become one rule for each caller and each project and domain, in a stable order") {
    std::vector<AuditRecord> records = {refused(kTool, "acme/b/x/K"), refused(kCheckout, "acme/b/x/L"),
                                        refused(kCheckout, "acme/a/x/M"), refused(kCheckout, "acme/b/x/K")};
    Learnt out = learnt(records);
    REQUIRE(out.rules.size() == 3);
    CHECK(out.rules[0].draft.exes == std::vector<std::string>{"/usr/bin/psql"});
    CHECK(out.rules[1].draft.secrets == std::vector<std::string>{"acme/a/x/M"});
    CHECK(out.rules[2].draft.secrets == std::vector<std::string>{"acme/b/x/K", "acme/b/x/L"});
    CHECK(out.rules[2].draft.unit == "checkout.service");
    CHECK(out.rules[2].draft.name == "checkout.service as uid 3999999999 reads acme/b/x");
    std::string text = out.toml();
    std::reverse(records.begin(), records.end());
    CHECK(learnt(records).toml() == text);
    for (const AuditRecord& record : records) CHECK(allows(out, record));
    CHECK_FALSE(allows(out, refused(kCheckout, "acme/b/x/OTHER")));
    CHECK_FALSE(allows(out, refused(kTool, "acme/a/x/M")));
}

TEST_CASE("a rule says how often and when it was read") {
    AuditRecord early = refused(kCheckout, "acme/a/x/K", 0), late = refused(kCheckout, "acme/a/x/K", 60);
    late.times = 3;
    Learnt out = learnt({late, early});
    REQUIRE(out.rules.size() == 1);
    CHECK(out.rules[0].occurrences.count == 4);
    CHECK(out.toml().find(
              "# 4 times (open 4), 2023-11-14T22:13:20.000Z to 2023-11-14T22:14:20.000Z\n# K 4\n") !=
          std::string::npos);
}

TEST_CASE("allowed reads are learnt only when they are asked for") {
    std::vector<AuditRecord> records = {audit_record(kCheckout, true, "acme/a/x/K", "wide")};
    CHECK(learnt(records).rules.empty());
    LearnOptions options;
    options.observed = true;
    Learnt out = learnt(records, options);
    REQUIRE(out.rules.size() == 1);
    CHECK(allows(out, records[0]));
}

TEST_CASE("more KEYs than --widen says become a star, and no fewer") {
    std::vector<AuditRecord> records = {refused(kCheckout, "acme/a/x/K"), refused(kCheckout, "acme/a/x/L")};
    LearnOptions options;
    options.widen = 2;
    CHECK(learnt(records, options).rules[0].draft.secrets.size() == 2);
    options.widen = 1;
    Learnt out = learnt(records, options);
    CHECK(out.rules[0].draft.secrets == std::vector<std::string>{"acme/a/x/*"});
    CHECK(out.toml().find("made wider than what was read") != std::string::npos);
    CHECK_FALSE(allows(out, refused(kCheckout, "acme/a/y/K")));
}

TEST_CASE("what the policy allows already is left out, and its names are not used again") {
    LearnOptions options;
    options.policy = parse_policy(rule_text("secrets = \"acme/a/x/K\"\nunit = \"checkout.service\"",
                                            "checkout.service as uid 3999999999 reads acme/a/x"));
    Learnt out = learnt({refused(kCheckout, "acme/a/x/K"), refused(kCheckout, "acme/a/x/L")}, options);
    CHECK(out.allowed_already == 1);
    REQUIRE(out.rules.size() == 1);
    CHECK(out.rules[0].draft.secrets == std::vector<std::string>{"acme/a/x/L"});
    CHECK(out.rules[0].draft.name.ends_with(" (2)"));
}

TEST_CASE("what no rule changes is listed as comments and not learnt") {
    std::vector<AuditRecord> records;
    for (std::string_view reason :
         {"a rule denies it", "the process is being traced", "expired", "removed or purged",
          "splice, sendfile or mmap", "the process is older than the rule's `within`",
          "the rule's max_opens is used up", "thread 7 cannot be identified: it is gone", "something new"})
        records.push_back(audit_record(kCheckout, false, "acme/a/x/K", "", reason));
    Learnt out = learnt(records);
    CHECK(out.rules.empty());
    CHECK(out.not_learnt.size() == records.size());
    CHECK(parse_policy(out.toml())->rules().empty());
    CHECK(out.toml().find("acme/a/x/K: expired, 1 time, ") != std::string::npos);
}

TEST_CASE("a rule's wish for a hash is not undone by what is learnt") {
    Caller changed = kCheckout;
    changed.sha256 = *Hash::parse(std::string(64, 'b'));
    std::vector<AuditRecord> records = {refused(changed, "acme/a/x/K")};
    LearnOptions options;
    options.policy = parse_policy(rule_text(concat(
        "secrets = \"acme/a/x/K\"\nunit = \"checkout.service\"\nsha256 = \"", std::string(64, 'a'), '"')));
    Learnt out = learnt(records, options);
    CHECK(out.rules.empty());
    REQUIRE(out.not_learnt.size() == 1);
    CHECK(out.not_learnt[0].reason.find("another hash") != std::string::npos);
    CHECK(learnt(records).toml().find("# A rule asked for the hash of its program") != std::string::npos);
}

TEST_CASE("a record with a hostile path or program makes no rule, and its text stays a comment") {
    std::vector<AuditRecord> records = {refused(kCheckout, "acme/a/x/K\"\n[[rule]]\nname = \"evil\""),
                                        refused(kCheckout, "acme/*/x/K"),
                                        refused(caller_in("/", 1000, "/tmp/*"), "acme/a/x/K"),
                                        refused(caller_in("/", 1000, "/tmp/x\n[[rule]]"), "acme/a/x/K"),
                                        refused(caller_in("/", 1000, "(unreachable)/x"), "acme/a/x/K"),
                                        refused(caller_in("/", 4'294'967'295), "acme/a/x/K")};
    records.push_back(records.back());
    records.back().caller.cgroup.unit = "no-type";
    Learnt out = learnt(records);
    CHECK(out.rules.empty());
    CHECK(out.not_learnt.size() == 7);
    CHECK(parse_policy(out.toml())->rules().empty());
}

TEST_CASE("a long program's rule for long names has a name that a policy takes") {
    const std::string program = "/opt/" + std::string(255, 'p');
    const std::string scope =
        concat(std::string(64, 'o'), '/', std::string(64, 'r'), '/', std::string(64, 'd'));
    // What is cut off is all in which the two rules' names differ.
    std::vector<AuditRecord> records = {
        refused(caller_in("/user.slice/session-3.scope", 3'999'999'997, program), scope + "/K"),
        refused(caller_in("/user.slice/session-3.scope", 3'999'999'998, program), scope + "/K")};
    Learnt out = learnt(records);
    REQUIRE(out.rules.size() == 2);
    CHECK(out.rules[0].draft.name != out.rules[1].draft.name);
    for (const AuditRecord& record : records) CHECK(allows(out, record));
}

TEST_CASE("a program before and after its upgrade is one rule with both paths") {
    Caller after = kTool;
    after.exe.path += " (deleted)";
    std::vector<AuditRecord> records = {refused(kTool, "acme/a/x/K"), refused(after, "acme/a/x/K")};
    Learnt out = learnt(records);
    REQUIRE(out.rules.size() == 1);
    for (const AuditRecord& record : records) CHECK(allows(out, record));
}
