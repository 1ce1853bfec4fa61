// SPDX-License-Identifier: Apache-2.0
//
// TestUnit: a cgroup that looks like a systemd unit, `NAME.service` in a slice of this process's.
#pragma once

#include "base/bytes.h"
#include "support/cgroup.h"

namespace coffer::test {

class TestUnit : public Cgroup {
  public:
    explicit TestUnit(std::string_view name) : Cgroup(concat("coffer-test-", getpid(), ".slice/", name)) {}
};

}  // namespace coffer::test
