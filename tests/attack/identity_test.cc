// SPDX-License-Identifier: Apache-2.0
//
// Somebody else asks: another user, another unit of the same user, a process that was in the unit before.
#include "explained.h"
#include "support/puppet.h"
#include "support/test_unit.h"

using namespace coffer;
using namespace coffer::test;

namespace {

// A process of Alice's that reads when told, and can be looked up in the audit log.
struct Member : Puppet {
    explicit Member(const std::filesystem::path& path)
        : Puppet({[] { return become(kAlice) ? 0 : errno; },
                  [path] {
                      Outcome seen = read_path(path);
                      return seen.good() && seen.text != kValue ? -1 : seen.error;
                  },
                  [path, this] {
                      held = open(path.c_str(), O_RDONLY | O_CLOEXEC);
                      return held < 0 ? errno : 0;
                  },
                  [this] {
                      char byte = 0;
                      return pread(held, &byte, 1, 0) < 0 ? errno : 0;
                  }}) {
        REQUIRE(act(0) == 0);
    }
    int reads() { return act(1); }
    int opens() { return act(2); }
    int reads_on() { return act(3); }
    [[nodiscard]] Attack attack(int error) const {
        return {{error, {}}, pid(), pid(), kAlice.uid, own_program()};
    }
    int held = -1;  // the child's
};

// Enters the unit as root, then does the rest as Alice.
template <class Body>
Attack attack_from(const TestUnit& unit, Body body) {
    Attack attack = attack_as(kRoot, [&] {
        if (!unit.add(getpid())) return failed();
        return become(kAlice) ? body() : failed();
    });
    attack.uid = kAlice.uid;
    return attack;
}

}  // namespace

TEST_CASE("another user's secret is refused to users and to root, and each is on record") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    CHECK(read_as(kAlice, key).text == kValue);
    for (const Who& who : {kBob, kRoot})
        check_foiled(mounted, attack_as(who, [&] { return read_path(key); }), ENOENT, "lookup");
    CHECK(read_as(kAlice, key).text == kValue);
    end(mounted);
}

TEST_CASE("a group or a name that is like Alice's is not Alice") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const Who with_group{kBob.uid, kAlice.gid, {kAlice.gid}};
    check_foiled(mounted, attack_as(with_group, [&] { return read_path(mounted.path(kKey)); }), ENOENT,
                 "lookup");
    // Only the saved or the real user is Alice: what counts is the user for files.
    for (bool real : {false, true}) {
        Attack attack = attack_as(kRoot, [&] {
            const uid_t saved = real ? kBob.uid : kAlice.uid, own = real ? kAlice.uid : kBob.uid;
            if (setresuid(own, kBob.uid, saved) != 0) return failed();
            return read_path(mounted.path(kKey));
        });
        attack.uid = kBob.uid;
        check_foiled(mounted, attack, ENOENT, "lookup");
    }
    end(mounted);
}

TEST_CASE("a rule by unit refuses the same user in another unit and in none") {
    TestUnit unit("checkout.service"), other("other.service");
    if (!unit.made()) return leave_out("no cgroup can be made here");
    MountedStore mounted(alice_alone("unit = \"checkout.service\""));
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    CHECK(attack_from(unit, [&] { return read_path(key); }).seen.text == kValue);
    check_foiled(mounted, attack_from(other, [&] { return read_path(key); }), ENOENT, "lookup");
    check_foiled(mounted, attack_as(kAlice, [&] { return read_path(key); }), ENOENT, "lookup");
    // Another user in the right unit is no better.
    Attack attack =
        attack_as(kRoot, [&] { return unit.add(getpid()) && become(kBob) ? read_path(key) : failed(); });
    attack.uid = kBob.uid;
    check_foiled(mounted, attack, ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("a cgroup that calls itself the unit below another one is not the unit") {
    TestUnit outer("other.service"), nested("other.service/checkout.service");
    if (!nested.made()) return leave_out("no cgroup can be made here");
    MountedStore mounted(alice_alone("unit = \"checkout.service\""));
    start_attacked(mounted);
    Attack attack = attack_from(nested, [&] { return read_path(mounted.path(kKey)); });
    check_foiled(mounted, attack, ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("a process that is moved to the unit is allowed, and refused once it is moved away") {
    TestUnit unit("checkout.service"), other("other.service");
    if (!unit.made()) return leave_out("no cgroup can be made here");
    MountedStore mounted(alice_alone("unit = \"checkout.service\""));
    start_attacked(mounted);
    Member member(mounted.path(kKey));
    REQUIRE(other.add(member.pid()));
    CHECK(member.reads() == ENOENT);
    CHECK(is_on_record(mounted, member.attack(ENOENT), "lookup"));
    REQUIRE(unit.add(member.pid()));
    CHECK(member.reads() == 0);
    CHECK(member.opens() == 0);
    CHECK(member.reads_on() == 0);
    REQUIRE(other.add(member.pid()));
    // An open is looked at closely; with it the daemon knows better about what is open already.
    CHECK(member.reads() != 0);
    CHECK(member.reads_on() == EACCES);
    CHECK(is_on_record(mounted, member.attack(EACCES), "read"));
    member.kill();
    end(mounted);
}
