// SPDX-License-Identifier: Apache-2.0
//
// ServedMount: what stands at the mount point, and what the daemon there says of itself. A mount that nobody
// answers for is found out by a child with a time limit: whoever asks it may wait for ever.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "output/output.h"

namespace coffer {

struct ServedMount {
    enum class State {
        absent,   // nothing is mounted there
        foreign,  // something else is
        silent,   // nobody answered, or not in time
        closed,   // mounted; this user may not see what the daemon says of itself
        serving,
    };
    State state = State::absent;
    std::string type;            // of a foreign mount
    std::optional<Json> report;  // status.json of the daemon

    // What the daemon says is wrong: "policy: rules.toml:2:8: ...".
    [[nodiscard]] std::vector<std::string> problems() const;
};

// `mount` as the configuration has it. Waits at most `patience` for the daemon.
[[nodiscard]] Result<ServedMount> look_at_mount(const std::filesystem::path& mount,
                                                std::chrono::milliseconds patience = std::chrono::seconds(3));

}  // namespace coffer
