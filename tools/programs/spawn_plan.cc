// SPDX-License-Identifier: Apache-2.0
#include "programs/spawn_plan.h"

#include <fcntl.h>

#include "keys/stack.h"

namespace coffer {

SpawnPlan::SpawnPlan(const sigset_t& blocked) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &blocked);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
}

SpawnPlan::~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
}

void SpawnPlan::duplicate(int descriptor, int as) {
    posix_spawn_file_actions_adddup2(&actions_, descriptor, as);
    // At its first call libc resolves a function of its own, and saves the processor's registers on the
    // stack, with pieces of the values that were copied last.
    wipe_stack();
}

void SpawnPlan::open_terminal(const std::string& path, int as) {
    posix_spawn_file_actions_addopen(&actions_, as, path.c_str(), O_RDWR, 0);
    posix_spawn_file_actions_addtcsetpgrp_np(&actions_, as);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    wipe_stack();  // as above
}

int SpawnPlan::spawn(const std::vector<std::string>& words, const std::vector<char*>& environment,
                     pid_t& pid) const {
    const auto pointers = exec_pointers(words);
    return posix_spawnp(&pid, pointers[0], &actions_, &attributes_, pointers.data(), environment.data());
}

std::vector<char*> exec_pointers(const std::vector<std::string>& texts) {
    std::vector<char*> out;
    out.reserve(texts.size() + 1);
    for (const std::string& one : texts) out.push_back(const_cast<char*>(one.c_str()));
    out.push_back(nullptr);
    return out;
}

}  // namespace coffer
