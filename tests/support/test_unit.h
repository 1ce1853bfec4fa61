// SPDX-License-Identifier: Apache-2.0
//
// TestUnit: a cgroup that looks like a systemd unit, `NAME.service` in a slice of this process's.
#pragma once

#include "base/bytes.h"
#include "support/cgroup.h"
#include "support/client.h"

namespace coffer::test {

class TestUnit : public Cgroup {
  public:
    explicit TestUnit(std::string_view name) : Cgroup(concat("coffer-test-", getpid(), ".slice/", name)) {}
};

// In the unit, and only then this user.
template <class Body>
Outcome in_unit(const TestUnit& unit, const Who& who, Body body) {
    return as(kRoot, [&] {
        if (!unit.add(getpid())) return Outcome{kClientCrashed, "the cgroup takes no members"};
        return become(who) ? body() : failed();
    });
}

}  // namespace coffer::test
