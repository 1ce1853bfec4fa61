// SPDX-License-Identifier: Apache-2.0
//
// TestUnit: a cgroup that looks like a systemd unit, `NAME.service` in a slice of this process's.
#pragma once

#include <random>
#include <string>

#include "base/bytes.h"
#include "support/cgroup.h"
#include "support/client.h"

namespace coffer::test {

// Drawn by lot, for programs in pid namespaces of their own share their process's number.
inline std::string own_slice() {
    static const std::string name = [] {
        std::random_device lot;
        return concat("coffer-test-", lot(), ".slice/");
    }();
    return name;
}

class TestUnit : public Cgroup {
  public:
    explicit TestUnit(std::string_view name) : Cgroup(concat(own_slice(), name)) {}
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
