// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "input/passphrase.h"
#include "input/prompt.h"
#include "keys/identity_file.h"
#include "log/sqlite_log.h"
#include "service/stored_log.h"

namespace coffer {
namespace {

std::optional<std::string> variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    if (!value || !*value) return std::nullopt;
    return value;
}

// The configuration and the store are malformed or absent as a whole: for a command that is "the store is
// not available", whatever the part of it that could not be read.
Failure store_unavailable(Error error) {
    if (error.code == Code::invalid || error.code == Code::not_found) error.code = Code::unavailable;
    return Failure(std::move(error));
}

bool is_own(const std::filesystem::path& file) {
    struct stat status {};
    return ::stat(file.c_str(), &status) == 0 && status.st_uid == geteuid();
}

Result<std::unique_ptr<Backend>> open_service(const Config& config) {
    COFFER_TRY(auto log, StoredLog::connect(config.store_socket));
    return std::unique_ptr<Backend>(std::move(log));
}

}  // namespace

Result<Config> find_and_load_config(const CommonOptions& common) {
    std::optional<std::filesystem::path> flag;
    if (common.config) flag = *common.config;
    return load_config(find_config(flag));
}

Result<std::filesystem::path> identity_path(const CommonOptions& common, const Config& config) {
    if (common.identity) return *common.identity;
    if (auto named = variable("COFFER_IDENTITY")) return *named;
    if (!config.identity.empty()) return config.identity;
    return fail(Code::invalid, "no identity: give --identity FILE or $COFFER_IDENTITY, or name one in ",
                config.file.native());
}

Result<std::filesystem::path> tool_state_dir(const Config& config) {
    struct stat status {};
    if (::stat(config.state.c_str(), &status) == 0 && status.st_uid == geteuid())
        return config.state / "tool";
    std::filesystem::path base;
    if (auto state = variable("XDG_STATE_HOME")) {
        base = *state;
    } else if (auto home = variable("HOME")) {
        base = std::filesystem::path(*home) / ".local/state";
    } else {
        return fail(Code::unavailable, "no folder for this user's state: set HOME or XDG_STATE_HOME");
    }
    return base / "coffer" / config.pin.store.hex();
}

Result<std::unique_ptr<Backend>> open_for_writing(const Config& config) {
    if (!config.store_socket.empty() && !is_own(config.store)) return open_service(config);
    // SQLite finds this out late, and in its own words.
    if (::access(config.store.c_str(), W_OK) != 0 && errno == EACCES)
        return fail(Code::not_allowed, "this user may not write the store ", config.store.native(),
                    "; only its owner does: run as that user, or name the socket of coffer-stored in"
                    " `store_socket` of ",
                    config.file.native());
    auto log = SqliteLog::open(config.store);
    if (!log) return store_unavailable(std::move(log).error());
    return std::unique_ptr<Backend>(std::move(*log));
}

Result<std::unique_ptr<Backend>> open_for_reading(const Config& config) {
    const bool own = is_own(config.store);
    // The owner opens it as a writer does, for that also recovers a log that a crash left behind.
    if ((own || config.store_socket.empty()) && ::access(config.store.c_str(), W_OK) == 0) {
        if (auto log = open_for_writing(config)) return log;
    }
    if (!own && !config.store_socket.empty() && ::access(config.store.c_str(), R_OK) != 0)
        return open_service(config);
    auto log = SqliteLog::open_read_only(config.store);
    if (!log) return store_unavailable(std::move(log).error());
    return std::unique_ptr<Backend>(std::move(*log));
}

Session::~Session() {
    if (store_) (void)store_->persist_watermark(true);
}

Result<void> Session::load_identity_of(const CommonOptions& common) {
    COFFER_TRY(auto path, identity_path(common, config_));
    COFFER_TRY(identity_, load_identity(path, passphrase_source(common.passphrase_file, path.native())));
    return {};
}

Result<void> Session::open_store(Purpose purpose, Output& out) {
    StoreOptions options;
    options.pin = config_.pin;
    COFFER_TRY(options.state_dir, tool_state_dir(config_));
    COFFER_TRY(auto backend,
               purpose == Purpose::write ? open_for_writing(config_) : open_for_reading(config_));
    COFFER_TRY(auto store, VerifiedStore::open(std::move(backend), std::move(options)));
    store_ = std::make_unique<VerifiedStore>(std::move(store));
    if (const auto& alarm = store_->alarm()) {
        std::string what = concat("the store does not verify from revision ", alarm->revision, " on (",
                                  alarm->error.message, "); run `coffer verify`");
        if (purpose == Purpose::write) return fail(Code::tampered, what);
        out.warning(what, "; this is the state before it");
    }
    return {};
}

Result<Session> Session::read(const CommonOptions& common, Output& out) {
    Session session;
    COFFER_TRY(session.config_, find_and_load_config(common));
    COFFER_CHECK(session.open_store(Purpose::read, out));
    return session;
}

Result<Session> Session::reveal(const CommonOptions& common, Output& out) {
    Session session;
    COFFER_TRY(session.config_, find_and_load_config(common));
    COFFER_CHECK(session.load_identity_of(common));
    COFFER_CHECK(session.open_store(Purpose::reveal, out));
    return session;
}

Result<Session> Session::write(const CommonOptions& common, Output& out, std::string_view question,
                               bool yes) {
    Session session;
    COFFER_TRY(session.config_, find_and_load_config(common));
    COFFER_CHECK(session.load_identity_of(common));
    if (!question.empty()) COFFER_CHECK(confirm(question, yes));
    COFFER_CHECK(session.open_store(Purpose::write, out));
    return session;
}

std::string Session::name_of(const PrincipalId& id) const {
    const Principal* principal = roster().find(id);
    return principal ? principal->name : id.hex();
}

}  // namespace coffer
