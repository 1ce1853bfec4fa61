// SPDX-License-Identifier: Apache-2.0
//
// A process that forges its own executable link. `exe` narrows a rule and never carries it, so this wins
// nothing from another user or unit; against the same user it does, which docs/policy.md says.
#include "explained.h"
#include "support/test_unit.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const std::string kProgram = std::filesystem::canonical("/bin/cat");

std::string exe_rule(std::string_view more = "") {
    return alice_alone(concat("exe = \"", kProgram, "\"\n", more));
}

// tests/attack/forge, where every user may run it.
class Forge {
  public:
    Forge() {
        std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
        std::filesystem::copy_file(ATTACK_FORGE, folder_ / "forge");
        std::filesystem::permissions(folder_ / "forge", std::filesystem::perms(0755));
    }
    // It shows the forged program in the audit log too: numbers, user and unit are the truth there.
    template <class Prepare>
    Attack read(const Who& who, const std::filesystem::path& path, bool in_namespace, Prepare prepare) const {
        Attack attack = attack_by(
            who,
            {(folder_ / "forge").string(), kProgram, in_namespace ? "namespace" : "child", path.string()},
            prepare);
        attack.exe = kProgram;
        if (int error = 0; std::sscanf(attack.seen.text.c_str(), "errno %d", &error) == 1)
            attack.seen = failed(error);
        return attack;
    }
    Attack read(const Who& who, const std::filesystem::path& path, bool in_namespace) const {
        return read(who, path, in_namespace, [] { return true; });
    }

  private:
    TempFolder folder_;
};

}  // namespace

TEST_CASE(
    "a forged program in a user namespace of its own does not match exe, not for the same user either") {
    MountedStore mounted(exe_rule());
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    CHECK(run_as(kAlice, {kProgram, key}).text == kValue);
    check_foiled(mounted, Forge().read(kAlice, key, true), ENOENT, "lookup");
    check_foiled(mounted, Forge().read(kBob, key, true), ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("a program forged over shared memory gives another user nothing") {
    MountedStore mounted(exe_rule());
    start_attacked(mounted);
    check_foiled(mounted, Forge().read(kBob, mounted.path(kKey), false), ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("a forged program gives the same user nothing where the rule names a unit") {
    TestUnit unit("checkout.service"), other("other.service");
    if (!unit.made()) return leave_out("no cgroup can be made here");
    MountedStore mounted(exe_rule("unit = \"checkout.service\""));
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    for (bool in_namespace : {false, true}) {
        Attack attack =
            Forge().read(kRoot, key, in_namespace, [&] { return other.add(getpid()) && become(kAlice); });
        attack.uid = kAlice.uid;
        check_foiled(mounted, attack, ENOENT, "lookup");
    }
    end(mounted);
}

TEST_CASE("a forged program does not undo that a denying rule names the user") {
    const std::string deny = concat("[[rule]]\nname = \"not Alice\"\neffect = \"deny\"\nsecrets = [\"", kKey,
                                    "\"]\nuid = ", kAlice.uid, '\n');
    MountedStore mounted(exe_rule() + deny);
    start_attacked(mounted);
    check_foiled(mounted, Forge().read(kAlice, mounted.path(kKey), false), ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("known limit: a program forged over shared memory is served to the same user") {
    MountedStore mounted(exe_rule());
    start_attacked(mounted);
    CHECK(Forge().read(kAlice, mounted.path(kKey), false).seen == Outcome{0, std::string(kValue)});
    end(mounted);
}
