// SPDX-License-Identifier: Apache-2.0
#include "host/joining.h"

#include "host/host_service.h"
#include "host/new_files.h"
#include "host/places.h"
#include "host/policy_example.h"
#include "keys/identity_file.h"
#include "session.h"

namespace coffer {
namespace {

Result<std::filesystem::path> absolute(const std::string& path) {
    std::error_code error;
    auto out = std::filesystem::absolute(path, error);
    if (error) return fail(Code::invalid, path, ": ", error.message());
    return out.lexically_normal();
}

// Opens the store with the pin as the watermark, and finds out who the identity is there.
Result<Principal> look_up(const Config& config, const Watermark& pin, const Recipient& recipient) {
    COFFER_TRY(auto backend, open_for_reading(config));
    StoreOptions options;
    options.pin = pin.pin;
    options.seed = pin;
    COFFER_TRY(options.state_dir, tool_state_dir(config));
    COFFER_TRY(auto store, VerifiedStore::open(std::move(backend), std::move(options)));
    const Principal* principal = store.view().roster().find(recipient.id());
    if (!principal || !principal->living())
        return fail(
            Code::not_allowed, "this identity (", recipient.id().hex(),
            ") is no principal of the store; an owner can run `coffer member add` or `coffer host add`");
    return *principal;
}

}  // namespace

Result<void> join_store(const JoinRequest& request, Output& out) {
    COFFER_TRY(auto pin, parse_pin_text(request.pin));
    COFFER_TRY(auto identity, absolute(request.identity));
    COFFER_TRY(auto recipient, load_recipient(identity));
    COFFER_TRY(auto config, places_of_reader(request.dir, pin.pin.store));
    config.pin = pin.pin;
    COFFER_TRY(config.store, absolute(request.store));
    config.store_socket = socket_for(config.store);
    const auto state = placed(config, config.state), policy = placed(config, config.policy);
    for (const auto& path : {config.file, state / "tool", policy / "README"})
        COFFER_CHECK(NewFiles::expect_nothing(path));

    NewFiles files;
    COFFER_CHECK(files.folder(config.file.parent_path(), 0700));
    COFFER_CHECK(files.folder(state, 0700));
    files.made(state / "tool");
    Config opened = config;
    opened.state = state;
    COFFER_TRY(auto principal, look_up(opened, pin, recipient));
    // A host's identity is for cofferd, anybody else's for the tool.
    bool host = principal.role == Role::host;
    (host ? config.host_identity : config.identity) = identity;
    if (host) {
        config.identity.clear();
        COFFER_CHECK(files.folder(policy, 0755));
        COFFER_CHECK(files.file(policy / "README", policy_example(principal.pattern.org), 0644));
    }
    COFFER_CHECK(files.file(config.file, write_config(config), 0644));
    COFFER_CHECK(load_config(config.file));
    COFFER_CHECK(files.sync());
    files.keep();
    out.line("joined the store as ", to_text(principal.role), ' ', principal.name, " of ",
             principal.pattern.text());
    out.line("configuration: ", config.file.string());
    out.document({{"config", config.file.string()},
                  {"store", config.store.string()},
                  {"name", principal.name},
                  {"role", to_text(principal.role)},
                  {"pattern", principal.pattern.text()}});
    return {};
}

}  // namespace coffer
