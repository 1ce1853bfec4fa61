// SPDX-License-Identifier: Apache-2.0
//
// Session: what a command works in: the configuration, the identity, the verified store. Everything that may
// ask the person (a passphrase) happens before the first look at the store, so that nobody's answer is
// awaited between a look at the head and the append.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "access/config/config.h"
#include "command.h"
#include "view/verified_store.h"

namespace coffer {

// $COFFER_CONFIG and the rest as access/config/config.h finds them, or what --config says.
[[nodiscard]] Result<Config> find_and_load_config(const CommonOptions& common);

// --identity, $COFFER_IDENTITY, else the configuration's. Code::invalid when nobody names one.
[[nodiscard]] Result<std::filesystem::path> identity_path(const CommonOptions& common, const Config& config);

// <config.state>/tool for the user who owns config.state, else a folder of the user's own:
// ($XDG_STATE_HOME or ~/.local/state)/coffer/STORE_ID.
[[nodiscard]] Result<std::filesystem::path> tool_state_dir(const Config& config);

// The backend for reading or for writing. A store of this user's own is its file. Somebody else's is read
// from the file where its mode allows, else, and for writing always, through coffer-stored at `store_socket`.
[[nodiscard]] Result<std::unique_ptr<Backend>> open_for_writing(const Config& config);
[[nodiscard]] Result<std::unique_ptr<Backend>> open_for_reading(const Config& config);

class Session {
  public:
    // For looking: no identity, no question.
    [[nodiscard]] static Result<Session> read(const CommonOptions& common, Output& out);
    // For revealing: reads, with the identity.
    [[nodiscard]] static Result<Session> reveal(const CommonOptions& common, Output& out);
    // For changing. `question` (may be empty) is confirmed after the passphrase; --yes answers it.
    [[nodiscard]] static Result<Session> write(const CommonOptions& common, Output& out,
                                               std::string_view question = {}, bool yes = true);
    Session(Session&&) noexcept = default;
    Session& operator=(Session&&) = delete;
    ~Session();  // writes the watermark if it is behind; that it could not is no loss, the view knows better

    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] const Identity& identity() const { return *identity_; }
    [[nodiscard]] VerifiedStore& store() { return *store_; }
    [[nodiscard]] View& view() { return store_->view(); }
    [[nodiscard]] const Roster& roster() const { return store_->view().roster(); }
    // The name of a principal, living or not.
    [[nodiscard]] std::string name_of(const PrincipalId& id) const;

  private:
    Session() = default;
    enum class Purpose { read, reveal, write };
    [[nodiscard]] Result<void> load_identity_of(const CommonOptions& common);
    [[nodiscard]] Result<void> open_store(Purpose purpose, Output& out);
    Config config_;
    std::optional<Identity> identity_;
    std::unique_ptr<VerifiedStore> store_;  // null once moved from
};

}  // namespace coffer
