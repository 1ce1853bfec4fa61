// SPDX-License-Identifier: Apache-2.0
#include "serve/confinement.h"

#include <array>

#include "access/attest/pidfd.h"
#include "confinement/system_call_filter.h"

namespace coffer {
namespace {

// Callers are looked at through pidfds, changes are heard of by inotify, and workers lower themselves
// (Session::serve).
constexpr std::array kOwn = {"inotify_add_watch", "inotify_init1", "inotify_rm_watch", "pidfd_open",
                             "sched_setscheduler"};

SystemCallRules rules_with(std::initializer_list<const char*> more) {
    SystemCallRules rules = database_rules(kOwn);
    rules.allowed.insert(rules.allowed.end(), more);
    rules.ioctls = {kPidfdGetInfo};
    return rules;
}

}  // namespace

Result<void> confine_before_mount(MountWay way) {
    if (way == MountWay::by_fusermount) return {};
    if (way == MountWay::by_holder) return install_system_call_filter(rules_with({}));
    return install_system_call_filter(rules_with({"mount", "umount2"}));
}

Result<void> confine_for_serving(MountWay way) {
    if (way == MountWay::by_holder) return {};
    // At the end root takes its mount off. For a user somebody else does it and is waited for; libfuse tries
    // too, and has no right to.
    if (way == MountWay::by_root) return install_system_call_filter(rules_with({"umount2"}));
    return install_system_call_filter(rules_with({"umount2", "wait4"}));
}

}  // namespace coffer
