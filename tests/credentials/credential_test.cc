// SPDX-License-Identifier: Apache-2.0
//
// LoadCredential=ID:SOCKET: who is given which value, and what everybody else is given instead.
#include "access/audit/audit_journal.h"
#include "credentials/served.h"
#include "support/journal_receiver.h"
#include "support/private_mounts.h"

using namespace coffer;
using namespace coffer::test;

TEST_CASE("a unit is given the credential that its rule names, and it is on record") {
    Served served(rule("checkout.service", concat(kScope, "*")));
    served.mounted.set(concat(kScope, "EMPTY"), "");
    served.mounted.set(concat(kScope, "BIG"), big_value());
    served.mounted.start();
    CHECK(served.ask("KEY") == Outcome{0, std::string(kValue)});
    CHECK(served.mounted.audit_lines({"\"allow\"", "\"credential\"", kKey, "\"checkout.service\"",
                                      "\"rule\":\"checkout.service"}) == 1);
    CHECK(served.ask("EMPTY") == Outcome{0, ""});
    CHECK(served.ask("BIG") == Outcome{0, big_value()});
    CHECK(served.mounted.audit().find(kValue) == std::string::npos);
    CHECK(served.mounted.log().find(kValue) == std::string::npos);
    served.mounted.set(kKey, "another");
    CHECK(soon([&] { return served.ask("KEY").text == "another"; }));
    served.mounted.stop();
}

TEST_CASE("a socket buffer of the usual size delivers large values and refusals whole") {
    Served served(rule("checkout.service", concat(kScope, "*")), {.narrow = true});
    served.mounted.set(concat(kScope, "BIG"), big_value());
    served.mounted.start();
    CHECK(served.ask("BIG") == Outcome{0, big_value()});
    CHECK(served.ask("NONE").error == E2BIG);
    CHECK(served.ask("KEY").text == kValue);
    served.mounted.stop();
}

TEST_CASE("an instance of a template unit is given the secret of its own name") {
    Served served(rule("shop@{shop}.service", "acme/{shop}/production/DB_PASSWORD"));
    served.mounted.set("acme/berlin/production/DB_PASSWORD", "of berlin");
    served.mounted.set("acme/paris/production/DB_PASSWORD", "of paris");
    served.mounted.start();
    TestUnit berlin("shop@berlin.service"), paris("shop@paris.service");
    auto ask = [&](const TestUnit& unit, std::string_view name) {
        return load(unit, kRoot, served.socket.path(), claim_for(name, "DB_PASSWORD"));
    };
    CHECK(ask(berlin, "shop@berlin.service").text == "of berlin");
    CHECK(ask(paris, "shop@paris.service").text == "of paris");
    served.check_refused(ask(paris, "shop@berlin.service"), "is in shop@paris.service");
    served.mounted.stop();
}

TEST_CASE("who is not the loader of the unit that it claims is sent zeros until systemd fails the unit") {
    Served served(rule("checkout.service", concat(kScope, "KEY")) +
                  rule("other.service", concat(kScope, "KEY")) + allow(kAlice, kKey) + allow(kRoot, kKey));
    served.mounted.start();
    const auto& path = served.socket.path();
    served.check_refused(served.ask("KEY", "other.service"),
                         "is in checkout.service and says that it loads for "
                         "other.service");
    served.check_refused(load(served.unit, kAlice, path, claim_for("checkout.service", "KEY")),
                         "is not systemd at work");
    // In no unit at all.
    served.check_refused(
        as(kRoot, [&] { return take_credential(knock(path, claim_for("checkout.service", "KEY"))); }),
        "is not systemd at work");
    // No claim is no decision: nothing says which unit would have been meant.
    for (std::string_view name : {"", "@a", "@a/unit/checkout.service", "@a/unit/checkout.service/KEY/more",
                                  "@a/user/checkout.service/KEY", "@a/unit/checkout.service/.KEY"}) {
        INFO(name);
        CHECK(load(served.unit, kRoot, path, name).error == E2BIG);
    }
    CHECK(served.mounted.audit_lines({"\"allow\""}) == 0);
    CHECK(served.ask("KEY").text == kValue);
    served.mounted.stop();
}

TEST_CASE("another program in the unit is no loader") {
    Served served(rule("checkout.service", concat(kScope, "KEY")));
    served.mounted.start();
    const std::string script =
        "import socket, sys\n"
        "one = socket.socket(socket.AF_UNIX)\n"
        "one.bind('\\0a/unit/checkout.service/KEY')\n"
        "one.connect(sys.argv[1])\n"
        "seen = b''\n"
        "while len(seen) <= 1 << 20:\n"
        "    part = one.recv(65536)\n"
        "    if not part: break\n"
        "    seen += part\n"
        "print(len(seen) > 1 << 20, any(seen))\n";
    const auto seen = run_as(kRoot, {"/usr/bin/python3", "-c", script, served.socket.path().native()},
                             [&] { return served.unit.add(getpid()); });
    CHECK(seen.text == "True False\n");
    CHECK(served.mounted.audit_lines({"\"deny\"", "\"credential\"", "python3", "is not systemd at work"}) ==
          1);
    served.mounted.stop();
}

TEST_CASE("what the policy does not give, or gives twice, is no credential") {
    Served served(
        rule("checkout.service", concat(kScope, "KEY")) + rule("checkout.service", concat(kScope, "GONE")) +
        rule("checkout.service", concat(kScope, "LATE")) +
        rule("checkout.service", "acme/*/production/WIDE") + rule("checkout.service", concat(kScope, "TWO")) +
        rule("checkout.service", "acme/checkout/staging/TWO") +
        rule("checkout.service", concat(kScope, "DENIED")) +
        concat("[[rule]]\nname = \"never\"\neffect = \"deny\"\nsecrets = \"", kScope,
               "DENIED\"\nunit = \"checkout.service\"\n"));
    MountedStore& mounted = served.mounted;
    for (std::string_view key : {"GONE", "WIDE", "TWO", "DENIED"}) mounted.set(concat(kScope, key), "x");
    mounted.set("acme/checkout/staging/TWO", "x");
    mounted.set(concat(kScope, "LATE"), "x", Visibility::masked, 1);
    mounted.remove(concat(kScope, "GONE"));
    mounted.start();
    served.check_refused(served.ask("OTHER"), "names this unit and a directory with the KEY OTHER");
    served.check_refused(served.ask("NONE"), "names this unit and a directory with the KEY NONE");
    served.check_refused(served.ask("WIDE"), "names this unit and a directory with the KEY WIDE");
    served.check_refused(served.ask("TWO"), "acme/checkout/production/TWO and acme/checkout/staging/TWO");
    served.check_refused(served.ask("GONE"), "there is no secret acme/checkout/production/GONE");
    served.check_refused(served.ask("LATE"), "past its expiry");
    served.check_refused(served.ask("DENIED"), "a rule denies it");
    CHECK(mounted.audit_lines({"\"allow\""}) == 0);
    CHECK(served.ask("KEY").text == kValue);
    mounted.stop();
}

TEST_CASE("the limits of a rule hold for its credentials") {
    Served served(rule("checkout.service", concat(kScope, "KEY"), "max_opens = 2"));
    served.mounted.start();
    CHECK(served.ask("KEY").text == kValue);
    CHECK(served.ask("KEY").text == kValue);
    served.check_refused(served.ask("KEY"), "max_opens is used up");
    served.mounted.stop();
}

TEST_CASE("a host that holds no scope key for the secret refuses it") {
    Served served(rule("checkout.service", concat(kScope, "KEY")), {.host = "acme/*/staging"});
    served.mounted.start();
    served.check_refused(served.ask("KEY"), "scope key");
    served.mounted.stop();
}

TEST_CASE("a credential that cannot be audited is not given") {
    Served served(rule("checkout.service", concat(kScope, "KEY")),
                  {.change = [](Config& config) { config.audit_file = config.state / "small/audit.jsonl"; }});
    MountedStore& mounted = served.mounted;
    const auto disk = mounted.config.state / "small";
    std::filesystem::create_directories(disk);
    std::filesystem::permissions(mounted.config.state, std::filesystem::perms(0700));
    REQUIRE(::mount("none", disk.c_str(), "tmpfs", MS_NOSUID, "size=16k,mode=0700") == 0);
    mounted.start();
    {
        std::ofstream filler(disk / "filler");
        while (filler << std::string(4096, 'x') << std::flush) {
        }
    }
    // What was left of the log's last page takes a few records.
    Outcome seen;
    for (int tries = 0; tries < 100 && seen.error == 0; ++tries) {
        seen = served.ask("KEY");
    }
    CHECK(seen.error == E2BIG);
    CHECK(mounted.log().find("cannot be written to the audit log") != std::string::npos);
    std::filesystem::remove(disk / "filler");
    CHECK(served.ask("KEY").text == kValue);
    mounted.stop();
    umount2(disk.c_str(), MNT_DETACH);
}

TEST_CASE("the journal has the reason of a refusal with the name of the unit") {
    PrivateRun run;
    std::filesystem::create_directories(std::filesystem::path(kJournalSocket).parent_path());
    JournalReceiver journal(kJournalSocket);
    Served served(rule("checkout.service", concat(kScope, "KEY")));
    served.mounted.start();
    // Another user's process does not get to write beside a unit's own messages.
    CHECK(load(served.unit, kAlice, served.socket.path(), claim_for("checkout.service", "NONE")).error ==
          E2BIG);
    CHECK(served.ask("NONE").error == E2BIG);
    std::vector<JournalFields> entries;
    CHECK(soon([&] {
        for (JournalFields& one : journal.take()) entries.push_back(std::move(one));
        return !entries.empty();
    }));
    REQUIRE(entries.size() == 1);
    CHECK(entries[0]["UNIT"] == "checkout.service");
    CHECK(entries[0]["OBJECT_SYSTEMD_UNIT"] == "checkout.service");
    CHECK(entries[0]["COFFER_CREDENTIAL"] == "NONE");
    CHECK(entries[0]["MESSAGE"].find("checkout.service is refused the credential NONE: no rule") == 0);
    CHECK(served.ask("KEY").text == kValue);
    CHECK(journal.take().empty());
    served.mounted.stop();
}
