// SPDX-License-Identifier: Apache-2.0
//
// Daemon: puts the parts together in the order in which they need each other, refuses to start with one clear
// line when any of them is not right, and takes them apart again so that no request is lost.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "access/attest/attest.h"
#include "access/config/config.h"
#include "base/descriptor.h"
#include "hold/unmounter.h"
#include "serve/confinement.h"
#include "serve/credential_door.h"
#include "serve/operations.h"
#include "serve/policy_watch.h"
#include "serve/session.h"
#include "serve/store_watch.h"

namespace coffer {

struct DaemonOptions {
    std::filesystem::path config_file;
    std::optional<std::filesystem::path> mount;   // else the configuration's
    std::optional<std::filesystem::path> holder;  // coffer-mount's socket: it has mounted
    AttestMethod attest = AttestMethod::automatic;
    std::string version;
    Descriptor credentials;  // the listening socket of LoadCredential=, where one was passed
};

class Daemon {
  public:
    // Everything but the mount is opened and checked; nothing is served yet. Signals must be blocked already.
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> prepare(DaemonOptions options);
    ~Daemon();
    // Where it would mount: as told, else as configured.
    [[nodiscard]] static Result<std::filesystem::path> mount_of(const DaemonOptions& options);

    // Mounts, or takes over what coffer-mount holds, serves until SIGTERM, SIGINT or the end of the mount,
    // and unmounts what it has mounted. SIGHUP reads the policy again and opens the audit file anew.
    [[nodiscard]] Result<void> run();

  private:
    Daemon() = default;
    [[nodiscard]] Result<void> prepare_mount_point();
    [[nodiscard]] Result<void> open_store();
    [[nodiscard]] Result<void> check_host();
    void build();
    [[nodiscard]] Result<void> load_templates();
    [[nodiscard]] Result<Worker> make_worker() const;
    [[nodiscard]] Result<std::vector<Worker>> make_workers() const;
    [[nodiscard]] Result<std::unique_ptr<Session>> connect();
    void forget_removed_names();
    [[nodiscard]] bool is_well(Session& session);
    [[nodiscard]] Result<void> open_credential_door();
    [[nodiscard]] Result<void> wait_for_end(int signals, int ended);

    DaemonOptions options_;
    Config config_;
    std::filesystem::path mount_;
    MountWay way_ = MountWay::by_holder;
    std::optional<Unmounter> unmounter_;  // with MountWay::by_fusermount
    std::optional<Identity> host_;
    std::string host_name_;
    std::unique_ptr<Attestor> attestor_;
    std::unique_ptr<AuditLog> audit_;
    std::optional<VerifiedStore> store_;

    // In the order of their making; each refers to earlier ones only.
    Status status_;
    Catalogue catalogue_;
    KeyRing keys_;
    std::unique_ptr<NodeIds> nodes_;
    std::unique_ptr<Unsealer> unsealer_;
    std::unique_ptr<Handles> handles_;
    std::unique_ptr<Gate> gate_;
    std::unique_ptr<StatusFiles> status_files_;
    std::unique_ptr<PastVersions> past_versions_;
    std::unique_ptr<RenderedFiles> rendered_files_;
    std::unique_ptr<Operations> operations_;
    Invalidator invalidator_;
    std::unique_ptr<PolicyWatch> policy_watch_;
    std::unique_ptr<StoreWatch> store_watch_;
    std::unique_ptr<CredentialDoor> credential_door_;  // null: no socket was passed
    std::optional<FuseContext> context_;
    std::optional<HeldMount> held_;
};

}  // namespace coffer
