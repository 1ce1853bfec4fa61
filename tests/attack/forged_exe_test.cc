// SPDX-License-Identifier: Apache-2.0
//
// A process that forges its own executable link. `exe` narrows a rule and never carries it, so this wins
// nothing from another user or unit; against the same user it does, which docs/policy.md says.
#include "attack/forged_program.h"
#include "explained.h"
#include "support/test_unit.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const std::string kProgram = std::filesystem::canonical("/bin/cat");

std::string exe_rule(std::string_view more = "") {
    return alice_alone(concat("exe = \"", kProgram, "\"\n", more));
}

// Shows itself as kProgram, then reads. In a user namespace of its own, or with a child's help in the first.
Outcome read_forged(const std::filesystem::path& path, bool in_namespace) {
    const int program = open(kProgram.c_str(), O_RDONLY | O_CLOEXEC);
    ProgramClaim claim(program);
    if (program < 0 || !leave_own_program()) return failed(ENOEXEC);
    int error = 0;
    if (in_namespace)
        error = unshare(CLONE_NEWUSER) == 0 ? claim.make() : errno;
    else
        error = claim_through_child(claim);
    if (error != 0) return failed(1000 + error);
    if (own_program() != kProgram) return failed(2000);
    return read_path(path);
}

// It shows the forged program in the audit log too: numbers, user and unit are the truth there.
Attack forge_as(const Who& who, const std::filesystem::path& path, bool in_namespace) {
    Attack attack = attack_as(who, [&] { return read_forged(path, in_namespace); });
    attack.exe = kProgram;
    return attack;
}

}  // namespace

TEST_CASE(
    "a forged program in a user namespace of its own does not match exe, not for the same user either") {
    MountedStore mounted(exe_rule());
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    CHECK(run_as(kAlice, {kProgram, key}, [] { return true; }).text == kValue);
    check_foiled(mounted, forge_as(kAlice, key, true), ENOENT, "lookup");
    check_foiled(mounted, forge_as(kBob, key, true), ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("a program forged over shared memory gives another user nothing") {
    MountedStore mounted(exe_rule());
    start_attacked(mounted);
    check_foiled(mounted, forge_as(kBob, mounted.path(kKey), false), ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("a forged program gives the same user nothing where the rule names a unit") {
    TestUnit unit("checkout.service"), other("other.service");
    if (!unit.usable()) return leave_out("no cgroup can be made here");
    MountedStore mounted(exe_rule("unit = \"checkout.service\""));
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    for (bool in_namespace : {false, true}) {
        Attack attack = attack_as(kRoot, [&] {
            return other.take(getpid()) && become(kAlice) ? read_forged(key, in_namespace) : failed();
        });
        attack.uid = kAlice.uid;
        attack.exe = kProgram;
        check_foiled(mounted, attack, ENOENT, "lookup");
    }
    end(mounted);
}

TEST_CASE("a forged program does not undo that a denying rule names the user") {
    const std::string deny = concat("[[rule]]\nname = \"not Alice\"\neffect = \"deny\"\nsecrets = [\"", kKey,
                                    "\"]\nuid = ", kAlice.uid, '\n');
    MountedStore mounted(exe_rule() + deny);
    start_attacked(mounted);
    check_foiled(mounted, forge_as(kAlice, mounted.path(kKey), false), ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("known limit: a program forged over shared memory is served to the same user") {
    MountedStore mounted(exe_rule());
    start_attacked(mounted);
    CHECK(forge_as(kAlice, mounted.path(kKey), false).seen == Outcome{0, std::string(kValue)});
    end(mounted);
}
