// SPDX-License-Identifier: Apache-2.0
//
// SpawnPlan: how a program is to start: posix_spawn(3)'s two structures, released together. It starts with
// the signals that this process was started with (main has a handler where it needs one, for what is ignored
// would stay so in the program) and none of them blocked but what is said here.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace coffer {

class SpawnPlan {
  public:
    explicit SpawnPlan(const sigset_t& blocked);
    ~SpawnPlan();
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    void duplicate(int descriptor, int as);
    // A terminal, in a process group of the program's own that is in front there from its first instruction
    // on. Needs a session without a terminal, or with this one.
    void open_terminal(const std::string& path, int as);

    // An errno. The first word is looked for on $PATH. vfork within: what this process holds is not copied.
    [[nodiscard]] int spawn(const std::vector<std::string>& words, const std::vector<char*>& environment,
                            pid_t& pid) const;

  private:
    posix_spawn_file_actions_t actions_{};
    posix_spawnattr_t attributes_{};
};

// For exec(3), a null pointer at the end. Valid as long as the texts are.
[[nodiscard]] std::vector<char*> exec_pointers(const std::vector<std::string>& texts);

}  // namespace coffer
