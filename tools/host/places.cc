// SPDX-License-Identifier: Apache-2.0
#include "host/places.h"

#include <unistd.h>

#include <cstdlib>

namespace coffer {
namespace {

namespace fs = std::filesystem;

Result<fs::path> home() {
    const char* value = std::getenv("HOME");  // NOLINT(concurrency-mt-unsafe): one thread
    if (!value || value[0] != '/') return fail(Code::invalid, "HOME is not set to a folder; give --dir DIR");
    return fs::path(value);
}

// A folder that the environment names, or the usual one.
fs::path folder_of(const char* variable, const fs::path& usual) {
    const char* value = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe): one thread
    return value && value[0] == '/' ? fs::path(value) : usual;
}

Result<Config> in_one_folder(const std::string& dir) {
    if (dir.empty()) return fail(Code::invalid, "expected a folder after --dir, found nothing");
    std::error_code error;
    fs::path folder = fs::absolute(dir, error).lexically_normal();
    if (error) return fail(Code::failed, dir, ": ", error.message());
    if (!folder.has_filename()) folder = folder.parent_path();
    Config config;
    config.file = folder / "coffer.toml";
    config.store = "store.db";
    config.identity = "owner.identity";
    config.host_identity = "host.identity";
    config.state = "state";
    config.policy = "policy.d";
    config.audit_file = "audit.jsonl";
    return config;
}

// An ordinary user's own store, served by the user's own cofferd.
Result<Config> in_home(const fs::path& user) {
    COFFER_TRY(auto config, in_one_folder((user / ".config/coffer").native()));
    config.store = folder_of("XDG_DATA_HOME", user / ".local/share") / "coffer/store.db";
    config.state = folder_of("XDG_STATE_HOME", user / ".local/state") / "coffer";
    config.audit_file = config.state / "audit.jsonl";
    const fs::path runtime = folder_of("XDG_RUNTIME_DIR", {});
    config.mount = runtime.empty() ? user / "secrets" : runtime / "coffer";
    return config;
}

}  // namespace

Result<Config> places_of_new_store(const std::optional<std::string>& dir) {
    if (dir) return in_one_folder(*dir);
    COFFER_TRY(auto user, home());
    if (geteuid() != 0) return in_home(user);
    Config config;
    config.file = "/etc/coffer/coffer.toml";
    config.store = "/var/lib/coffer/store.db";
    config.identity = user / ".config/coffer/owner.identity";
    config.host_identity = "/etc/coffer/host.identity";
    config.state = "/var/lib/coffer/state";
    config.policy = "/etc/coffer/policy.d";
    config.mount = "/run/coffer";
    config.audit_file = "/var/lib/coffer/audit.jsonl";
    return config;
}

Result<Config> places_of_reader(const std::optional<std::string>& dir, const StoreId& store) {
    if (dir) return in_one_folder(*dir);
    COFFER_TRY(auto user, home());
    COFFER_TRY(auto config, in_one_folder((user / ".config/coffer").native()));
    config.state = user / ".local/state/coffer" / store.hex();
    return config;
}

fs::path placed(const Config& config, const fs::path& path) {
    return config.file.parent_path() / path;
}

}  // namespace coffer
