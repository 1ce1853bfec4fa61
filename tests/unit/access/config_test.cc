// SPDX-License-Identifier: Apache-2.0
#include "access/config/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "support/catch.h"
#include "support/in_child.h"
#include "support/temp_folder.h"

using namespace coffer;
using coffer::test::in_child;
using coffer::test::TempFolder;

namespace {

constexpr std::string_view kId = "000102030405060708090a0b0c0d0e0f";
constexpr std::string_view kFile = "/etc/coffer/coffer.toml";

std::string complete(std::string_view more = {}) {
    return concat("store = \"store.db\"\nstore_id = \"", kId, "\"\nowner = \"", kId,
                  "\"\nstate = \"state\"\npolicy = \"policy.d\"\n", more);
}

Config parse(const std::string& text) {
    auto config = parse_config(text, kFile);
    if (!config) FAIL(config.error().message);
    return *config;
}

std::string error_of(const std::string& text) {
    auto config = parse_config(text, kFile);
    if (config) return "accepted";
    CHECK(config.error().code == Code::invalid);
    return config.error().message;
}

}  // namespace

TEST_CASE("a configuration of the required keys has the documented defaults") {
    Config config = parse(complete());
    CHECK(config.file == kFile);
    CHECK(config.store == "/etc/coffer/store.db");
    CHECK(config.store_socket.empty());
    CHECK(config.pin.store.hex() == kId);
    CHECK(config.pin.owner.hex() == kId);
    CHECK(config.state == "/etc/coffer/state");
    CHECK(config.policy == "/etc/coffer/policy.d");
    CHECK(config.identity.empty());
    CHECK(config.host_identity.empty());
    CHECK(config.mount.empty());
    CHECK(config.deny == Denial::hide);
    CHECK_FALSE(config.fast_names);
    CHECK(config.audit_file == "/etc/coffer/state/audit.jsonl");
    CHECK_FALSE(config.audit_journal);
    CHECK(config.audit_required);
    CHECK(config.admin_group == "coffer-admin");
    CHECK(config.threads == 0);
    CHECK(config.max_open == 65536);
    CHECK(config.max_open_per_uid == 8192);
    CHECK(config.cached_versions == 16384);
    CHECK(config.large_bytes_per_uid == 64u << 20);
}

TEST_CASE("every key of a configuration is read") {
    Config config = parse(complete(R"(
store_socket = "/run/coffer-store.sock"
identity = "me.identity"
host_identity = "/var/lib/coffer/host.identity"
mount = "/run/coffer"
deny = "refuse"
fast_names = true
audit_file = "../log/audit.jsonl"
audit_journal = true
audit = "best-effort"
admin_group = "wheel"
threads = 3
max_open = 100
max_open_per_uid = 10
cached_versions = 5
large_bytes_per_uid = 2097152
)"));
    CHECK(config.store_socket == "/run/coffer-store.sock");
    CHECK(config.identity == "/etc/coffer/me.identity");
    CHECK(config.host_identity == "/var/lib/coffer/host.identity");
    CHECK(config.mount == "/run/coffer");
    CHECK(config.deny == Denial::refuse);
    CHECK(config.fast_names);
    CHECK(config.audit_file == "/etc/log/audit.jsonl");
    CHECK(config.audit_journal);
    CHECK_FALSE(config.audit_required);
    CHECK(config.admin_group == "wheel");
    CHECK(config.threads == 3);
    CHECK(config.max_open == 100);
    CHECK(config.max_open_per_uid == 10);
    CHECK(config.cached_versions == 5);
    CHECK(config.large_bytes_per_uid == 2097152);
}

TEST_CASE("one user's limit is never above the limit of all") {
    CHECK(parse(complete("max_open = 100\n")).max_open_per_uid == 100);
}

TEST_CASE("what a daemon has to lock grows with its cache and its threads") {
    Config config = parse(complete("threads = 3\n"));
    CHECK(config.thread_count() == 3);
    const std::uint64_t before = config.locked_bytes_needed();
    config.cached_versions += 1000;
    CHECK(config.locked_bytes_needed() == before + 32 * 1000);
    config.threads += 1;
    CHECK(config.locked_bytes_needed() == before + 32 * 1000 + 65536);
    config.threads = 0;
    CHECK(config.thread_count() >= 1);
}

TEST_CASE("a configuration's mistakes are refused with file, line and column") {
    CHECK(error_of(complete("pollicy = \"x\"\n")) ==
          "/etc/coffer/coffer.toml:6:1: unknown key \"pollicy\"; see coffer.toml(5) for the keys there are");
    CHECK(error_of(complete("threads = \"two\"\n")) ==
          "/etc/coffer/coffer.toml:6:11: threads: expected an integer from 0 to 256, found a string");
    CHECK(error_of(complete("threads = -1\n")) ==
          "/etc/coffer/coffer.toml:6:11: threads: expected an integer from 0 to 256, found -1");
    CHECK(error_of(complete("fast_names = 1\n")) ==
          "/etc/coffer/coffer.toml:6:14: fast_names: expected true or false, found an integer");
    CHECK(error_of(complete("mount = [\"/a\"]\n")) ==
          "/etc/coffer/coffer.toml:6:9: mount: expected a string, found an array");
    CHECK(error_of(complete("deny = \"Hide\"\n")) ==
          "/etc/coffer/coffer.toml:6:8: deny: expected \"hide\" or \"refuse\", found \"Hide\"");
    CHECK(error_of(complete("mount = \"\"\n")) ==
          "/etc/coffer/coffer.toml:6:9: mount: is empty; give a value or leave the key out");
    CHECK(error_of(complete("mount = \"a\\u0000b\"\n")).find("holds a NUL") != std::string::npos);
    CHECK(error_of("store_id = \"ABC\"\n")
              .starts_with("/etc/coffer/coffer.toml:1:12: store_id: expected 32 lower-case hexadecimal"));
    CHECK(error_of(complete("[store2]\n")).starts_with("/etc/coffer/coffer.toml:6:"));
    CHECK(error_of(complete("threads = 1\nthreads = 1\n")).starts_with("/etc/coffer/coffer.toml:7:"));
    CHECK(error_of("store = \n").starts_with("/etc/coffer/coffer.toml:1:"));
    CHECK(error_of("\xff\xfe").starts_with("/etc/coffer/coffer.toml:1:"));
}

TEST_CASE("the audit log may go to the journal alone, and never nowhere") {
    CHECK(parse(complete("audit_file = \"\"\naudit_journal = true\n")).audit_file.empty());
    const std::string nowhere =
        "audit_file: is empty, and audit_journal is not true; audit records have to go somewhere";
    CHECK(error_of(complete("audit_file = \"\"\n")) == "/etc/coffer/coffer.toml:6:14: " + nowhere);
    CHECK(error_of(complete("audit = \"best-effort\"\naudit_file = \"\"\naudit_journal = false\n")) ==
          "/etc/coffer/coffer.toml:7:14: " + nowhere);
    CHECK(error_of(complete("audit_file = 1\n")).find("expected a string") != std::string::npos);
    Config config = parse(complete("audit_file = \"\"\naudit_journal = true\n"));
    Config again = parse(write_config(config));
    CHECK(again.audit_file.empty());
    CHECK(again.audit_journal);
}

TEST_CASE("a configuration without a required key names the key") {
    for (std::string_view key : {"store", "store_id", "owner", "state", "policy"}) {
        std::string text, line;
        std::istringstream all(complete());
        while (std::getline(all, line))
            if (!line.starts_with(concat(key, " "))) text += line + "\n";
        CHECK(error_of(text).find(concat("the key \"", key, "\" is missing")) != std::string::npos);
    }
}

TEST_CASE("a written configuration reads back as it was") {
    Config config = parse(complete());
    config.identity = "/etc/coffer/a \"quoted\" \\ name\n.identity";
    config.mount = "/run/coffer";
    config.audit_file = "/var/log/coffer/audit.jsonl";
    config.audit_journal = true;
    config.deny = Denial::refuse;
    config.audit_required = false;
    config.fast_names = true;
    config.threads = 2;
    std::string text = write_config(config);
    CHECK(text.find("store = \"store.db\"") != std::string::npos);  // relative: the folder can be moved
    CHECK(text.find("# host_identity = ") != std::string::npos);
    Config again = parse(text);
    CHECK(again.store == config.store);
    CHECK(again.pin == config.pin);
    CHECK(again.identity == config.identity);
    CHECK(again.host_identity.empty());
    CHECK(again.state == config.state);
    CHECK(again.policy == config.policy);
    CHECK(again.mount == config.mount);
    CHECK(again.audit_file == config.audit_file);
    CHECK(again.audit_journal == config.audit_journal);
    CHECK(again.deny == config.deny);
    CHECK(again.audit_required == config.audit_required);
    CHECK(again.fast_names == config.fast_names);
    CHECK(again.admin_group == config.admin_group);
    CHECK(again.threads == config.threads);
    CHECK(again.max_open == config.max_open);
    CHECK(again.max_open_per_uid == config.max_open_per_uid);
    CHECK(again.cached_versions == config.cached_versions);
    CHECK(again.large_bytes_per_uid == config.large_bytes_per_uid);
}

TEST_CASE("a configuration that others could write is refused, and says how to mend it") {
    TempFolder folder;
    auto file = folder.write("coffer.toml", complete());
    REQUIRE(load_config(file));
    REQUIRE(chmod(file.c_str(), 0664) == 0);
    auto loose = load_config(file);
    REQUIRE_FALSE(loose);
    CHECK(loose.error().code == Code::not_allowed);
    CHECK(loose.error().message.find("chmod go-w " + file.string()) != std::string::npos);
    REQUIRE(chmod(file.c_str(), 0602) == 0);
    CHECK_FALSE(load_config(file));
    REQUIRE(chmod(file.c_str(), 0644) == 0);
    CHECK(load_config(file));
}

TEST_CASE("a configuration of another user is refused") {
    if (geteuid() != 0) {
        WARN("not root: skipped");
        return;
    }
    TempFolder folder;
    auto file = folder.write("coffer.toml", complete());
    REQUIRE(chown(file.c_str(), 60001, 60001) == 0);
    auto theirs = load_config(file);
    REQUIRE_FALSE(theirs);
    CHECK(theirs.error().code == Code::not_allowed);
    CHECK(theirs.error().message.find("owned by uid 60001") != std::string::npos);
    // The same file is its owner's to use, and root's file is everybody's.
    REQUIRE(chmod(folder.path().c_str(), 0755) == 0);
    auto as_other = [&] {
        return in_child([&] { return setresuid(60001, 60001, 60001) == 0 && load_config(file) ? 0 : 1; });
    };
    CHECK(as_other() == 0);
    REQUIRE(chown(file.c_str(), 0, 0) == 0);
    CHECK(as_other() == 0);
}

TEST_CASE("a configuration that is missing or no file is an error that says what to do") {
    TempFolder folder;
    auto missing = load_config(folder / "coffer.toml");
    REQUIRE_FALSE(missing);
    CHECK(missing.error().code == Code::not_found);
    CHECK(missing.error().message.find("coffer init") != std::string::npos);
    CHECK_FALSE(load_config(folder.path()));
    REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
    CHECK_FALSE(load_config(folder / "fifo"));
    auto large = folder.write("large", complete(std::string((1u << 20) + 1, '#')));
    CHECK_FALSE(load_config(large));
}

TEST_CASE("a configuration's relative paths are relative to its folder wherever it is named from") {
    TempFolder folder;
    folder.write("coffer.toml", complete());
    CHECK(in_child([&] {
              if (chdir(folder.path().c_str()) != 0) return 1;
              auto config = load_config("coffer.toml");
              return config && config->store == folder / "store.db" ? 0 : 2;
          }) == 0);
}

TEST_CASE("the configuration is found by flag, environment, home, and then in /etc") {
    TempFolder home;
    auto found = [&](const char* environment, const std::optional<std::filesystem::path>& flag,
                     const std::filesystem::path& expected) {
        return in_child([&] {
                   setenv("HOME", home.path().c_str(), 1);
                   environment != nullptr ? setenv("COFFER_CONFIG", environment, 1)
                                          : unsetenv("COFFER_CONFIG");
                   return find_config(flag) == expected ? 0 : 1;
               }) == 0;
    };
    CHECK(found(nullptr, std::nullopt, "/etc/coffer/coffer.toml"));
    CHECK(found("", std::nullopt, "/etc/coffer/coffer.toml"));
    std::filesystem::create_directories(home / ".config/coffer");
    auto own = home.write(".config/coffer/coffer.toml", "");
    CHECK(found(nullptr, std::nullopt, own));
    CHECK(found("/x/y.toml", std::nullopt, "/x/y.toml"));
    CHECK(found("/x/y.toml", "/z.toml", "/z.toml"));
}

TEST_CASE("templates are read with their paths, sources and modes, and written back") {
    const std::string text = complete(
        "[[template]]\npath = \"acme/checkout/production/app.conf\"\nsource = \"/etc/coffer/t/../app\"\n"
        "[[template]]\npath = \"acme/checkout/staging/app.conf\"\nsource = \"/a\"\nmode = \"0440\"\n");
    for (const Config& config : {parse(text), parse(write_config(parse(text)))}) {
        REQUIRE(config.templates.size() == 2);
        CHECK(config.templates[0].path.text() == "acme/checkout/production/app.conf");
        CHECK(config.templates[0].source == "/etc/coffer/app");
        CHECK(config.templates[0].mode == 0400);
        CHECK(config.templates[1].path.scope.domain == "staging");
        CHECK(config.templates[1].mode == 0440);
    }
    CHECK(parse(text).templates[1].place == "/etc/coffer/coffer.toml:9:1: ");
    CHECK(parse(complete()).templates.empty());
}

TEST_CASE("a template that is not in order is an error at its place") {
    auto error_with = [](std::string_view tables) {
        std::string error = error_of(complete(tables));
        REQUIRE(error.starts_with("/etc/coffer/coffer.toml:"));
        return error.substr(std::string_view("/etc/coffer/coffer.toml:").size());
    };
    const std::string path = "path = \"acme/checkout/production/a\"\n", source = "source = \"/a\"\n";
    auto table = [](std::string_view keys) { return concat("[[template]]\n", keys); };
    CHECK(error_with(table(source)).starts_with("6:1: the template has no path"));
    CHECK(error_with(table(path)).starts_with("6:1: the template has no source"));
    CHECK(
        error_with(table(path + "source = \"a\"\n")).starts_with("8:10: source: expected an absolute path"));
    CHECK(error_with(table("path = \"acme/*/production/a\"\n" + source))
              .starts_with("7:8: path: expected org/"));
    CHECK(error_with(table("path = \"acme/a\"\n" + source)).starts_with("7:8: path: "));
    for (const char* mode : {"\"0600\"", "\"440\"", "\"0777\"", "\"r\"", "\"4400\""})
        CHECK(error_with(table(concat(path, source, "mode = ", mode, "\n")))
                  .starts_with("9:8: mode: expected four"));
    CHECK(error_with(table(path + source + "mode = 288\n")).starts_with("9:8: mode: expected a string"));
    CHECK(error_with(table(path + source + "owner = \"x\"\n")).find("unknown key \"owner\"") !=
          std::string::npos);
    CHECK(error_with(table(path + source) + table(path + source))
              .starts_with("9:1: there is a template before"));
    CHECK(error_with("template = \"x\"\n").starts_with("6:1: templates are written as [[template]]"));
    CHECK(error_with("template = [1]\n").starts_with("6:13: a template is a table"));
}
