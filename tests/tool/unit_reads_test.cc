// SPDX-License-Identifier: Apache-2.0
#include "watch/unit_reads.h"

#include <filesystem>
#include <fstream>

#include "support/policy_case.h"
#include "support/temp_folder.h"

using namespace coffer;
using namespace coffer::test;

namespace {

std::string line(std::string_view unit, std::uint64_t version, std::string_view decision = "allow",
                 std::string_view scope = "acme/a/b") {
    return concat(R"({"seq":1,"time":"2026-01-31T12:00:00.123Z","kind":"decision","decision":")", decision,
                  R"(","operation":"open","path":"acme/a/b/K","version":)", version, R"(,"scope":")", scope,
                  R"(","rule":"r","tid":7,"tgid":7,"uid":1,"gid":1,"unit":")", unit, R"(","hash":"00"})",
                  '\n');
}

AffectedPath path_showing(std::uint64_t version, std::string_view scope = "acme/a/b") {
    AffectedPath path{"acme", "a", "b", "K", {}};
    path.shown.emplace();
    path.shown->name = {*Scope::parse(scope), "K"};
    path.shown->live.emplace();
    path.shown->live->version = version;
    return path;
}

struct Log {
    TempFolder folder;
    std::string file = folder / "audit.jsonl";
    std::shared_ptr<const Policy> policy = parse_policy(
        rule_text(
            "secrets = \"acme/a/**\"\nuid = 1\non_change = { reload = [\"a.service\", \"b.service\"] }") +
        rule_text("secrets = \"acme/x/**\"\nuid = 1\non_change = { reload = \"c.service\" }", "other"));
    UnitReads reads{{file}};

    void write(std::string_view text, std::string_view name = "audit.jsonl") const {
        std::ofstream(folder / std::string(name), std::ios::app) << text;
    }
    std::set<std::string> stale(const AffectedPath& path) {
        REQUIRE(reads.catch_up());
        std::set<std::string> units;
        reads.add_stale(*policy, path, units);
        return units;
    }
};

using Units = std::set<std::string>;

}  // namespace

TEST_CASE("units that have opened an older version are stale, others and unnamed ones are not") {
    Log log;
    CHECK(log.stale(path_showing(2)).empty());  // no log yet
    log.write(line("a.service", 1) + line("b.service", 1) + line("b.service", 2) + line("c.service", 1) +
              line("d.service", 1));
    CHECK(log.stale(path_showing(2)) == Units{"a.service"});
    log.write(line("a.service", 2));
    CHECK(log.stale(path_showing(2)).empty());
    CHECK(log.stale(path_showing(3)) == Units{"a.service", "b.service"});
}

TEST_CASE("a refusal is no read, and neither is what is no record") {
    Log log;
    log.write(line("a.service", 1, "deny") + "{\"seq\":2,\"ti\n" + line("", 1));
    CHECK(log.stale(path_showing(2)).empty());
}

TEST_CASE("a version of another scope is stale whatever its number, and so is one that is gone") {
    Log log;
    log.write(line("a.service", 7, "allow", "acme/*/b") + line("b.service", 7));
    CHECK(log.stale(path_showing(7)) == Units{"a.service"});
    CHECK(log.stale(path_showing(7, "acme/*/b")) == Units{"b.service"});
    AffectedPath gone = path_showing(1);
    gone.shown.reset();
    CHECK(log.stale(gone) == Units{"a.service", "b.service"});
}

TEST_CASE("reads are known over rotations, and from rotated files that are named") {
    Log log;
    log.write(line("a.service", 1));
    CHECK(log.stale(path_showing(2)) == Units{"a.service"});
    log.write(line("b.service", 1));  // to the end of what is rotated away
    std::filesystem::rename(log.file, log.folder / "audit.jsonl.1");
    log.write(line("a.service", 2));
    CHECK(log.stale(path_showing(2)) == Units{"b.service"});

    UnitReads later({log.folder / "audit.jsonl.1", log.file});
    REQUIRE(later.catch_up());
    Units units;
    later.add_stale(*log.policy, path_showing(2), units);
    CHECK(units == Units{"b.service"});
    CHECK_FALSE(UnitReads({log.folder / "none", log.file}).catch_up());
}
