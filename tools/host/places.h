// SPDX-License-Identifier: Apache-2.0
//
// Places: where `init` puts things. With --dir everything is in one folder that can be moved as a whole, so
// its configuration has relative paths; without it root's is where Debian keeps it, and an ordinary user's at
// home.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "access/config/config.h"

namespace coffer {

// The configuration as it will be written; its paths are relative to config.file's folder or absolute.
// For a new store: DIR/*; else for root /etc/coffer, /var/lib/coffer and ~/.config/coffer/owner.identity;
// else
// ~/.config/coffer, ~/.local/share/coffer ($XDG_DATA_HOME) and ~/.local/state/coffer ($XDG_STATE_HOME), with
// the mount at $XDG_RUNTIME_DIR/coffer, or ~/secrets where there is no such folder.
[[nodiscard]] Result<Config> places_of_new_store(const std::optional<std::string>& dir);
// For a reader of a store that is there: DIR/*, or ~/.config/coffer and ~/.local/state/coffer/STORE_ID.
[[nodiscard]] Result<Config> places_of_reader(const std::optional<std::string>& dir, const StoreId& store);

// `path` of such a configuration, made absolute.
[[nodiscard]] std::filesystem::path placed(const Config& config, const std::filesystem::path& path);

}  // namespace coffer
