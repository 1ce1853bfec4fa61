// SPDX-License-Identifier: Apache-2.0
//
// `coffer exec` and `coffer task` on a mount: the policy decides what a program gets.
#include "support/mounted_store.h"
#include "support/tool.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kPlace = "acme/checkout/production";

std::vector<std::string> exec_words(const MountedStore& mounted, const std::vector<std::string>& more,
                                    std::string_view place = kPlace) {
    std::vector<std::string> out{"coffer",          "exec", "--config", mounted.config.file, "--scope",
                                 std::string(place)};
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

}  // namespace

TEST_CASE("exec passes on what its process may read, and redacts it") {
    MountedStore mounted(allow(kRoot, "acme/checkout/production/*") +
                         allow(kAlice, "acme/checkout/staging/*"));
    mounted.set("acme/checkout/production/KEY", "the value", Visibility::restricted);
    mounted.set("acme/*/*/WIDE", "a wide value");
    mounted.set("acme/checkout/staging/HIDDEN", "alice's");
    mounted.start();
    Said said = run_tool(exec_words(mounted, {"--", "sh", "-c", "echo \"<$KEY> <$WIDE>\"; exit 7"}));
    CHECK(said.status == 7);
    CHECK(said.text == "<[redacted]> <[redacted]>\n");
    said = run_tool(
        exec_words(mounted, {"--no-redact", "--only", "WIDE", "--", "sh", "-c", "echo \"<$KEY> <$WIDE>\""}));
    CHECK(said.text == "<> <a wide value>\n");
    said =
        run_tool(exec_words(mounted, {"--file", "KEY_FILE=KEY", "--", "sh", "-c",
                                      "cat $KEY_FILE; test -z \"$KEY\"; test $KEY_FILE -ef $0 && echo same",
                                      mounted.path("acme/checkout/production/KEY")}));
    CHECK(said.text == "[redacted]same\n");
    // The audit log knows it as any other reader.
    CHECK(mounted.audit_lines({"\"allow\"", "acme/checkout/production/KEY", "/coffer\""}) > 0);
    mounted.stop();
}

TEST_CASE("exec does not run a program without what the policy hides from it") {
    MountedStore mounted(allow(kRoot, "acme/checkout/production/KEY") + allow(kAlice, "acme/**"));
    mounted.set("acme/checkout/production/KEY", "the value");
    mounted.set("acme/checkout/production/HIDDEN", "alice's");
    mounted.set("acme/checkout/staging/HIDDEN", "alice's");
    mounted.start();
    Said said = run_tool(exec_words(mounted, {"--env", "X=HIDDEN", "--", "echo", "ran"}));
    CHECK(said.status == 3);
    CHECK(said.text.empty());
    said = run_tool(exec_words(mounted, {"--", "echo", "ran"}, "acme/checkout/staging"));
    CHECK(said.status == 3);
    CHECK(said.text.empty());
    said = run_tool(exec_words(mounted, {"--", "sh", "-c", "echo \"<$HIDDEN>\""}));
    CHECK(said.text == "<>\n");
    mounted.kill_daemon();
    if (!mounted.holder) {
        said = run_tool(exec_words(mounted, {"--", "echo", "ran"}));
        CHECK(said.status == 7);
        CHECK(said.text.empty());
    }
}

TEST_CASE("a task sees the secrets of its project and domain, and no others") {
    MountedStore mounted(
        "[[rule]]\nname = \"tasks\"\nsecrets = \"acme/{project}/{domain}/*\"\n"
        "slice = \"acme-{project}-{domain}.slice\"\nuid = 0\n");
    mounted.set("acme/checkout/production/KEY", "checkout's");
    mounted.set("acme/my-shop/production/KEY", "the shop's");
    mounted.start();
    const auto task = [&](const std::string& project, std::string_view place) {
        std::vector<std::string> words{"coffer", "task",     "--org",      "acme", "--project",
                                       project,  "--domain", "production", "--"};
        auto inner = exec_words(mounted, {"--no-redact", "--", "sh", "-c", "echo $KEY"}, place);
        inner.front() = COFFER_PROGRAM;
        words.insert(words.end(), inner.begin(), inner.end());
        return run_tool(words);
    };
    CHECK(task("checkout", "acme/checkout/production").text == "checkout's\n");
    CHECK(task("my-shop", "acme/my-shop/production").text == "the shop's\n");
    CHECK(task("checkout", "acme/my-shop/production").status == 3);
    CHECK(task("my-shop", "acme/checkout/production").status == 3);
    CHECK(run_tool(exec_words(mounted, {"--", "echo", "ran"})).status == 3);
    mounted.stop();
}
