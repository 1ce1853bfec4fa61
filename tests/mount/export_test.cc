// SPDX-License-Identifier: Apache-2.0
//
// `coffer export --mount` is a reader like any other: the policy decides what it writes.
#include "base/wall_clock.h"
#include "support/mounted_store.h"
#include "support/tool.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kScope = "acme/checkout/production";

// The tool where other users can run it, wherever it was built.
std::string reachable_tool(const MountedStore& mounted) {
    const auto copy = mounted.config.file.parent_path() / "tool";
    std::filesystem::copy_file(COFFER_PROGRAM, copy);
    return copy;
}

// Its exit status and what it wrote.
Outcome export_as(const Who& who, const std::string& tool, std::vector<std::string> more) {
    std::vector<std::string> words{"coffer", "export", "--scope", std::string(kScope)};
    words.insert(words.end(), more.begin(), more.end());
    return as(who, [&] {
        Said said = run_program(tool.c_str(), words);
        return Outcome{said.status, said.text};
    });
}

}  // namespace

TEST_CASE("export through the mount writes what the policy lets its process read, and nothing else") {
    MountedStore mounted(allow(kAlice, "acme/checkout/production/*") +
                         allow(kBob, "acme/checkout/production/A"));
    mounted.set(concat(kScope, "/A"), "one");
    mounted.set(concat(kScope, "/B"), "two\nlines");
    mounted.set("acme/*/*/WIDE", "for all");
    mounted.set("acme/checkout/staging/C", "elsewhere");
    mounted.start();
    const std::string tool = reachable_tool(mounted);
    const std::string mount = concat("--mount=", mounted.mount().native());

    CHECK(export_as(kAlice, tool, {mount}) == Outcome{0, "A=one\nB='two\nlines'\nWIDE='for all'\n"});
    CHECK(export_as(kBob, tool, {mount}) == Outcome{0, "A=one\n"});
    CHECK(export_as(kBob, tool, {mount, "--format", "kestra"}) == Outcome{0, "SECRET_A=b25l\n"});
    // Hidden from it, as from every other program of that user; root is no exception.
    for (const Who& who : {kCarol, kRoot}) CHECK(export_as(who, tool, {mount}) == Outcome{3, ""});
    mounted.stop();
}

TEST_CASE("export through the mount leaves out what has expired, as from the store") {
    MountedStore mounted(allow(kAlice, "acme/checkout/production/*"));
    const std::string old = concat(kScope, "/OLD");
    mounted.set(concat(kScope, "/A"), "one");
    mounted.set(old, "over", Visibility::masked, wall_clock_ms() + 100);
    mounted.start();
    CHECK(soon([&] { return read_as(kAlice, mounted.path(old)).error == EKEYEXPIRED; }));
    CHECK(export_as(kAlice, reachable_tool(mounted), {concat("--mount=", mounted.mount().native())}) ==
          Outcome{0, "A=one\n"});
    mounted.stop();
}

TEST_CASE("what takes all secrets of a folder takes no rendered file for one") {
    MountedStore mounted(allow(kAlice, "acme/checkout/production/*"), [](Config& settings) {
        const auto source = settings.file.parent_path() / "app.conf.template";
        settings.templates.push_back(
            {must(SecretName::parse(concat(kScope, "/app.conf"))), source, 0400, {}});
        std::ofstream(source) << "[database]\npassword = {{ secret('A') }}\n";
        std::filesystem::permissions(source, std::filesystem::perms(0644));
    });
    mounted.set(concat(kScope, "/A"), "hunter2");
    mounted.start();
    const std::string tool = reachable_tool(mounted), at = mounted.mount();
    CHECK(read_as(kAlice, mounted.path(concat(kScope, "/app.conf"))).text ==
          "[database]\npassword = hunter2\n");

    CHECK(export_as(kAlice, tool, {concat("--mount=", at)}) == Outcome{0, "A=hunter2\n"});
    const std::vector<std::string> place = {"--mount", at, "--scope", std::string(kScope)};
    auto run = [&](std::vector<std::string> words, const std::vector<std::string>& command) {
        words.insert(words.end(), place.begin(), place.end());
        words.insert(words.end(), command.begin(), command.end());
        return run_as(kAlice, words).text;
    };
    CHECK(run({tool, "exec", "--no-redact"}, {"--", "/bin/sh", "-c", "echo ${A-none} ${app_conf-none}"}) ==
          "hunter2 none\n");
    const auto log = mounted.config.file.parent_path() / "log";
    std::ofstream(log) << "[database]\nhunter2\n";
    std::filesystem::permissions(log, std::filesystem::perms(0644));
    CHECK(as(kAlice, [&] {
              if (const int in = open(log.c_str(), O_RDONLY); in < 0 || dup2(in, 0) < 0) return failed();
              Said said = run_program(tool.c_str(),
                                      {"coffer", "redact", "--mount", at, "--scope", std::string(kScope)});
              return Outcome{said.status, said.text};
          }) == Outcome{0, "[database]\n[redacted]\n"});
    mounted.stop();
}
