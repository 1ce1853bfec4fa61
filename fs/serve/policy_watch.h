// SPDX-License-Identifier: Apache-2.0
//
// PolicyWatch: reads the policy folder again when a file of it changes or when it is told to (SIGHUP). A
// folder with an error keeps the policy that is in force, and the error is shown until it is gone.
#pragma once

#include <atomic>
#include <filesystem>
#include <thread>

#include "access/audit/audit.h"
#include "log/folder_watch.h"
#include "serve/gate.h"
#include "serve/status.h"

namespace coffer {

class PolicyWatch {
  public:
    struct Parts {
        std::filesystem::path folder;
        Gate& gate;
        Status& status;
        AuditLog& audit;
    };
    explicit PolicyWatch(Parts parts) : parts_(std::move(parts)) {}
    ~PolicyWatch() { stop(); }
    PolicyWatch(const PolicyWatch&) = delete;
    PolicyWatch& operator=(const PolicyWatch&) = delete;

    // The first policy. An error here is an error of the start. Watching begins before the folder is read, so
    // that no change falls between.
    [[nodiscard]] Result<void> load();
    void start();
    void reload() { asked_.store(true); }
    void stop();

  private:
    void run();
    [[nodiscard]] Result<void> read_folder();

    const Parts parts_;
    std::optional<FolderWatch> watch_;
    std::atomic<bool> asked_ = false, stopping_ = false;
    std::thread thread_;
};

}  // namespace coffer
