// SPDX-License-Identifier: Apache-2.0
//
// `coffer export --mount` is a reader like any other: the policy decides what it writes.
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
