// SPDX-License-Identifier: Apache-2.0
//
// The programs themselves over a store that somebody without a key has written to: cofferd serves what was
// true before the damage and says so, and the tool's exit statuses tell it.
#include "keys/seal.h"
#include "support/mounted_store.h"
#include "support/tool.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kGood = "acme/checkout/production/GOOD", kHit = "acme/checkout/production/HIT",
                           kLate = "acme/checkout/production/LATE";
constexpr int kTampered = 6;

// A store in which the newest revision adds LATE; what `statement` does to the file is done before cofferd
// starts.
struct Damaged {
    explicit Damaged(std::string_view statement) : mounted(allow(kAlice, "acme/**")) {
        mounted.set(kGood, "good");
        mounted.set(kHit, "hit");
        const auto hit = must(mounted.store.view().find(must(SecretName::parse(kHit))));
        mounted.set(kLate, "late");
        std::string sql(statement);
        if (auto place = sql.find("$HIT"); place != sql.npos)
            sql.replace(place, 4, concat("x'", hit->live->payload.hex(), "'"));
        // Another program's connection, which has not our limits.
        const std::string script =
            concat("import sqlite3\nd = sqlite3.connect('", mounted.made.path().string(),
                   "', isolation_level=None)\nd.execute(\"\"\"", sql, "\"\"\")\n");
        REQUIRE(run_program("/usr/bin/python3", {"python3", "-c", script}).status == 0);
    }
    [[nodiscard]] Outcome read(std::string_view name) const { return read_as(kAlice, mounted.path(name)); }
    [[nodiscard]] std::string status() const {
        return read_as(kRoot, mounted.path(".coffer/status.json")).text;
    }
    [[nodiscard]] int tool(std::vector<std::string> words) const {
        words.insert(words.begin(), "coffer");
        words.insert(words.end(), {"--config", mounted.config.file});
        return run_tool(words).status;
    }
    MountedStore mounted;
};

// The last revision is LATE's: one commit for each secret, the first of which makes the scope key.
constexpr std::string_view kTails[] = {
    "UPDATE commits SET bytes = zeroblob(length(bytes)) WHERE revision = (SELECT max(revision) FROM commits)",
    "UPDATE commits SET bytes = substr(bytes, 1, 150) WHERE revision = (SELECT max(revision) FROM commits)",
    "UPDATE commits SET bytes = zeroblob(3000000) WHERE revision = (SELECT max(revision) FROM commits)",
    "UPDATE commits SET revision = revision + 5 WHERE revision = (SELECT max(revision) FROM commits)",
};

}  // namespace

TEST_CASE("cofferd that starts over a damaged tail serves what comes before it, and each program says so") {
    for (std::string_view statement : kTails) {
        INFO(statement);
        Damaged damaged(statement);
        damaged.mounted.start();
        CHECK(damaged.read(kGood).text == "good");
        CHECK(damaged.read(kHit).text == "hit");
        CHECK(damaged.read(kLate).error == ENOENT);
        CHECK(damaged.status().find("is not believed") != std::string::npos);
        CHECK(damaged.mounted.audit_lines({"\"alarm\"", "is not believed"}) == 1);
        CHECK(damaged.tool({"verify"}) == kTampered);
        damaged.mounted.stop();
    }
}

TEST_CASE("a payload that is damaged, gone, exchanged or too large is EIO for its secret alone") {
    for (std::string_view statement :
         {"UPDATE payloads SET bytes = zeroblob(length(bytes)) WHERE hash = $HIT",
          "UPDATE payloads SET bytes = zeroblob(3000000) WHERE hash = $HIT",
          "UPDATE payloads SET bytes = (SELECT p.bytes FROM payloads p WHERE p.hash != payloads.hash) WHERE "
          "hash = $HIT",
          "DELETE FROM payloads WHERE hash = $HIT"}) {
        INFO(statement);
        Damaged damaged(statement);
        damaged.mounted.start();
        CHECK(damaged.read(kGood).text == "good");
        CHECK(damaged.read(kLate).text == "late");
        const Outcome hit = damaged.read(kHit);
        CHECK(hit.error == EIO);
        CHECK(hit.text.empty());
        CHECK(damaged.status().find(kHit) != std::string::npos);
        CHECK(damaged.tool({"verify"}) == kTampered);
        damaged.mounted.stop();
    }
}

TEST_CASE("a store with a schema that is not ours is served by nobody, and status 6 for each verb") {
    Damaged damaged("CREATE TRIGGER t AFTER INSERT ON commits BEGIN DELETE FROM payloads; END");
    CHECK(damaged.mounted.start_refused() == 1);
    for (const char* verb : {"verify", "ls", "log"}) CHECK(damaged.tool({verb}) == kTampered);
    CHECK(damaged.tool({"get", std::string(kGood)}) == kTampered);
}
