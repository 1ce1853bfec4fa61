// SPDX-License-Identifier: Apache-2.0
#include "access/advice/policy_lint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "keys/sha256.h"
#include "support/policy_case.h"
#include "support/temp_folder.h"

using namespace coffer;
using namespace coffer::test;

namespace {

std::vector<Finding> findings(const std::string& text, const HostFacts& host = {}) {
    PolicySource source{"p.toml", text};
    return lint(*parse_policy(text), {&source, 1}, host);
}

// "check line:column", for each finding.
std::vector<std::string> found(const std::string& text, const HostFacts& host = {}) {
    std::vector<std::string> out;
    for (const Finding& one : findings(text, host))
        out.push_back(concat(one.check, ' ', one.place.line, ':', one.place.column));
    return out;
}

using Found = std::vector<std::string>;

HostFacts host_with_units() {
    HostFacts host;
    host.units.emplace();
    host.units->insert({{"a.service", ""},
                        {"app@.service", ""},
                        {"alias.service", "a.service"},
                        {"off.service", "/dev/null"},
                        {"app@1.service", "app@.service"}});
    return host;
}

HostFacts host_with(const std::string& path, const ProgramFacts& facts) {
    HostFacts host;
    host.programs[path] = facts;
    return host;
}

ProgramFacts good_program(std::string path = "/usr/bin/app") {
    ProgramFacts facts;
    facts.exists = facts.regular = true;
    facts.real_path = std::move(path);
    return facts;
}

const std::string kUser = "secrets = \"acme/a/b/K\"\nuid = 1\n";

}  // namespace

TEST_CASE("a policy without mistakes has no findings, and what is not known of the host is not guessed") {
    CHECK(found(rule_text(kUser + "unit = \"nowhere.service\"\nexe = \"/nowhere\"")).empty());
    CHECK(found("").empty());
}

TEST_CASE("an unknown unit is found at its place in the array, a template's instance is known") {
    HostFacts host = host_with_units();
    CHECK(found(rule_text(kUser + "unit = [\"a.service\", \"b.service\"]"), host) ==
          Found{"unknown-unit 5:22"});
    CHECK(found(rule_text(kUser + "unit = [\"app@1.service\", \"app@x.service\"]"), host).empty());
    CHECK(found(rule_text(kUser + "unit = [\"app@*.service\", \"a*\"]"), host).empty());
    CHECK(found(rule_text(kUser + "unit = \"app@x*.service\""), host).empty());
    CHECK(found(rule_text(kUser + "unit = \"b*.service\""), host) == Found{"unknown-unit 5:8"});
    CHECK(found(rule_text(kUser + "unit = \"session-1.scope\""), host).empty());
}

TEST_CASE("a unit that is masked, or another name of one, is found") {
    HostFacts host = host_with_units();
    CHECK(found(rule_text(kUser + "unit = \"off.service\""), host) == Found{"masked-unit 5:8"});
    auto alias = findings(rule_text(kUser + "unit = \"alias.service\""), host);
    REQUIRE(alias.size() == 1);
    CHECK(alias[0].check == "unit-alias");
    CHECK(alias[0].text.find("\"a.service\"") != std::string::npos);
}

TEST_CASE("a unit to reload that this host does not have is found at its place") {
    HostFacts host = host_with_units();
    CHECK(found(rule_text(kUser + "on_change = { reload = [\"a.service\", \"b.service\"] }"), host) ==
          Found{"unknown-unit 5:38"});
    CHECK(found(rule_text(kUser + "on_change = { reload = \"alias.service\" }"), host) ==
          Found{"unit-alias 5:24"});
    CHECK(found(rule_text(kUser + "on_change = { reload = \"app@1.service\" }"), host).empty());
    CHECK(found(rule_text(kUser + "on_change = { reload = \"b.service\" }")).empty());
}

TEST_CASE("a rule that has a unit reloaded which an earlier one does not is no duplicate") {
    std::string first = rule_text(kUser + "on_change = { reload = [\"a.service\", \"b.service\"] }", "1");
    CHECK(found(first + rule_text(kUser + "on_change = { reload = \"b.service\" }", "2")) ==
          Found{"duplicate 6:1"});
    CHECK(found(first + rule_text(kUser + "on_change = { reload = \"c.service\" }", "2")).empty());
    CHECK(found(rule_text(kUser, "0") + first).empty());
}

TEST_CASE("a pattern that matches no secret of the store is found, a wider scope's secret counts") {
    HostFacts host;
    host.secrets = {*SecretName::parse("acme/*/production/PROXY"), *SecretName::parse("acme/a/b/K")};
    CHECK(found(rule_text(kUser), host).empty());
    CHECK(found(rule_text("secrets = [\"acme/a/b/K\", \"acme/a/b/L\"]\nuid = 1"), host) ==
          Found{"no-secret 3:26"});
    CHECK(found(rule_text("secrets = \"acme/any/production/PR*\"\nuid = 1"), host).empty());
    CHECK(found(rule_text("secrets = \"acme/any/staging/PROXY\"\nuid = 1"), host) == Found{"no-secret 3:11"});
    CHECK(found(rule_text("secrets = \"acme/{p}/production/PROXY\"\nslice = \"c-{p}.slice\""), host).empty());
}

TEST_CASE("a rule that a deny covers, or that adds nothing to an earlier one, is found") {
    std::string deny = rule_text("effect = \"deny\"\nsecrets = \"acme/**\"", "no");
    CHECK(found(rule_text(kUser) + deny) == Found{"denied 1:1"});
    CHECK(found(deny + rule_text(kUser)) == Found{"denied 5:1"});
    CHECK(found(rule_text("secrets = [\"acme/a/b/K\", \"other/**\"]\nuid = 1") + deny).empty());
    CHECK(found(rule_text(kUser) + rule_text(kUser + "unit = \"a.service\"", "again")) ==
          Found{"duplicate 6:1"});
    CHECK(found(rule_text(kUser + "unit = \"a.service\"", "first") + rule_text(kUser)).empty());
}

TEST_CASE("selectors that no process meets together are found") {
    CHECK(found(rule_text(kUser + "unit = \"a.service\"\nuser_unit = \"b.service\"")) ==
          Found{"never-matches 6:13"});
    CHECK(found(rule_text(kUser + "unit = \"user@1.service\"\nuser_unit = \"b.service\"")).empty());
    CHECK(found(rule_text(kUser + "cgroup = \"/s.slice/a.service\"\nunit = \"b.service\"")) ==
          Found{"never-matches 6:8"});
    CHECK(found(rule_text(kUser + "cgroup = \"/s.slice/a.service\"\nslice = \"t.slice\"")) ==
          Found{"never-matches 6:9"});
    CHECK(
        found(rule_text(kUser + "cgroup = \"/s.slice/a.service\"\nunit = \"a.service\"\nslice = \"s.slice\""))
            .empty());
    CHECK(found(rule_text(kUser + "cgroup = \"/s.slice/**\"\nslice = \"t.slice\"")).empty());
}

TEST_CASE("an interpreter names every script") {
    for (std::string_view exe : {"/usr/bin/python3", "/usr/bin/python3.11", "/bin/sh", "/usr/bin/perl5.36",
                                 "/usr/bin/php-cgi8.2", "/usr/bin/nodejs", "/usr/bin/env", "/opt/*/bash"}) {
        INFO(exe);
        CHECK(found(rule_text(kUser + "exe = \"" + std::string(exe) + "\"")) == Found{"interpreter 5:7"});
    }
    for (std::string_view exe :
         {"/usr/bin/app", "/usr/bin/pythonic-app/run", "/usr/bin/ssh", "/usr/bin/javac"})
        CHECK(found(rule_text(kUser + "exe = \"" + std::string(exe) + "\"")).empty());
}

TEST_CASE("a program that is missing, a link, a script, or another's to change is found") {
    const std::string text = rule_text(kUser + "exe = \"/usr/bin/app\"");
    auto found_with = [&](auto change) {
        ProgramFacts facts = good_program();
        change(facts);
        return found(text, host_with("/usr/bin/app", facts));
    };
    CHECK(found_with([](ProgramFacts&) {}).empty());
    CHECK(found_with([](ProgramFacts& facts) { facts.exists = false; }) == Found{"no-program 5:7"});
    CHECK(found_with([](ProgramFacts& facts) { facts.regular = false; }) == Found{"no-program 5:7"});
    CHECK(found_with([](ProgramFacts& facts) { facts.script = true; }) == Found{"script 5:7"});
    CHECK(found_with([](ProgramFacts& facts) { facts.writable_by = "x"; }) == Found{"program-writable 5:7"});
    CHECK(found_with([](ProgramFacts& facts) { facts.real_path = "/opt/app"; }) == Found{"program-link 5:7"});
    CHECK(found_with([](ProgramFacts& facts) { facts.real_path = "/usr/bin/dash"; }) ==
          Found{"program-link 5:7", "interpreter 5:7"});
    CHECK(found_with([](ProgramFacts& facts) { facts.readable = false; }).empty());
}

TEST_CASE("a hash that is not the program's, or that the daemon cannot know, is found") {
    const std::string text =
        rule_text(kUser + "exe = \"/usr/bin/app\"\nsha256 = \"" + std::string(64, 'a') + "\"");
    ProgramFacts facts = good_program();
    facts.sha256 = *Hash::parse(std::string(64, 'a'));
    CHECK(found(text, host_with("/usr/bin/app", facts)).empty());
    facts.sha256 = *Hash::parse(std::string(64, 'b'));
    CHECK(found(text, host_with("/usr/bin/app", facts)) == Found{"hash-differs 6:10"});
    facts.sha256.reset();
    facts.readable = false;
    CHECK(found(text, host_with("/usr/bin/app", facts)) == Found{"program-unreadable 6:10"});
}

TEST_CASE("what has a consequence is a note, not a warning") {
    std::string text = rule_text("secrets = \"acme/a/b/K\"\ngid = 1\ncached = true\ninherit = true") +
                       rule_text("effect = \"deny\"\n" + kUser + "exe = \"/usr/bin/app\"", "d");
    auto all = findings(text);
    CHECK(found(text) == Found{"group-only 1:1", "cached 5:10", "inherit 6:11", "deny-by-program 12:7"});
    CHECK(std::ranges::all_of(all, [](const Finding& one) { return one.weight == Finding::Weight::note; }));
    CHECK(found(rule_text("secrets = \"acme/a/b/K\"\ngid = 1\nunit = \"a.service\"")).empty());
}

TEST_CASE("findings are in the order of the files") {
    PolicySource sources[] = {
        {"b.toml", rule_text(kUser + "inherit = true", "x")},
        {"a.toml", rule_text("secrets = \"o/**\"\nuid = 1\ncached = true\ninherit = true", "y")}};
    auto policy = Policy::parse(sources);
    REQUIRE(policy);
    auto all = lint(**policy, sources, {});
    REQUIRE(all.size() == 3);
    CHECK(all[0].file == "b.toml");
    CHECK(all[0].rule == "x");
    CHECK(all[1].check == "cached");
    CHECK(all[2].file == "a.toml");
}

TEST_CASE("a look at the host finds links, scripts, writers and hashes") {
    TempFolder folder;
    auto plain = folder.write("plain",
                              "\x7f"
                              "ELF");
    auto script = folder.write("script", "#!/bin/sh\n");
    std::filesystem::create_symlink(plain, folder / "link");
    std::string text = rule_text(concat(
        kUser, "exe = [\"", plain.native(), "\", \"", script.native(), "\", \"", (folder / "link").native(),
        "\", \"", (folder / "none").native(), "\", \"/opt/*\"]\nsha256 = \"", std::string(64, 'a'), '"'));
    REQUIRE(::chmod(plain.c_str(), 0700) == 0);
    auto programs = look_at_programs(*parse_policy(text), uid_t{1});
    CHECK(programs.size() == 4);
    const ProgramFacts& facts = programs.at(plain.native());
    CHECK(facts.exists);
    CHECK_FALSE(facts.script);
    CHECK(facts.real_path == std::filesystem::canonical(plain).native());
    CHECK(facts.readable == (geteuid() == 1));
    Sha256 hash;
    hash.add(
        as_bytes("\x7f"
                 "ELF"));
    CHECK(facts.sha256 == hash.finish());
    CHECK(programs.at(script.native()).script);
    CHECK(programs.at((folder / "link").native()).real_path == facts.real_path);
    CHECK_FALSE(programs.at((folder / "none").native()).exists);

    REQUIRE(::chmod(plain.c_str(), 0702) == 0);
    CHECK_FALSE(look_at_programs(*parse_policy(text), std::nullopt).at(plain.native()).writable_by.empty());
}

TEST_CASE("unit files are found on systemd's own search path, the first folder first") {
    TempFolder folder;
    for (std::string_view name : {"one", "two"}) std::filesystem::create_directory(folder / name);
    folder.write("one/a.service", "");
    folder.write("two/b.service", "");
    folder.write("two/b.conf", "");
    std::filesystem::create_symlink("/dev/null", folder / "one/b.service");
    std::filesystem::create_symlink("b.service", folder / "two/c.service");
    std::string path = concat((folder / "one").native(), ':', (folder / "two").native());
    REQUIRE(::setenv("SYSTEMD_UNIT_PATH", path.c_str(), 1) == 0);
    auto units = find_unit_files();
    REQUIRE(::setenv("SYSTEMD_UNIT_PATH", (folder / "none").c_str(), 1) == 0);
    auto none = find_unit_files();
    REQUIRE(::unsetenv("SYSTEMD_UNIT_PATH") == 0);
    REQUIRE(units);
    CHECK(*units == std::map<std::string, std::string, std::less<>>{
                        {"a.service", ""}, {"b.service", "/dev/null"}, {"c.service", "b.service"}});
    CHECK_FALSE(none);
}
