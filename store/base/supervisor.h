// SPDX-License-Identifier: Apache-2.0
//
// What a program says to the service manager that started it, and what it gets from it: the protocols of
// sd_listen_fds(3), sd_notify(3) and sd_watchdog_enabled(3), which systemd documents as stable. They are a
// few environment variables and one datagram; with them here, programs that hold no privileges or all of
// them need no library of systemd's in their process.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/descriptor.h"
#include "base/result.h"

namespace coffer {

struct PassedDescriptor {
    std::string name;  // FileDescriptorName= of the socket unit, "unknown" where there is none
    Descriptor descriptor;
};

// The descriptors that were passed by socket activation, close-on-exec from now on; empty when none were
// passed to this process. Takes the variables out of the environment: a second call gives nothing. To be
// called before there is a second thread.
[[nodiscard]] std::vector<PassedDescriptor> take_passed_descriptors();

// For a passed descriptor, `name`, that has to be a listening unix stream socket: Code::invalid when it is
// none. It does not block from now on.
[[nodiscard]] Result<void> prepare_listener(const Descriptor& listener, std::string_view name);

// Sends lines such as "READY=1" or "STATUS=...\nWATCHDOG=1". Nothing to do, and no error, where no service
// manager asked for them. Thread-safe; does not block for longer than a datagram takes.
[[nodiscard]] Result<void> notify_supervisor(std::string_view lines);

// Whether it listens at an abstract socket, which has no file.
[[nodiscard]] bool supervisor_is_abstract();

// How long the service manager waits between two "WATCHDOG=1" before it kills this process; none: for ever.
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_limit();

}  // namespace coffer
