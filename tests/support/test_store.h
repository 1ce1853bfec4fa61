// SPDX-License-Identifier: Apache-2.0
//
// TestStore: a real store in a folder of its own, with an owner and one host, as `coffer init` makes it,
// driven through the library. Values given here are test data, so they may be plain strings.
#pragma once

#include <stdexcept>
#include <string>

#include "change/principals.h"
#include "change/secrets.h"
#include "log/sqlite_log.h"
#include "support/catch.h"
#include "support/temp_folder.h"

namespace coffer::test {

// Throws what went wrong, which a test shows; so that a fuzzer, which is no test, has it as well.
template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return *std::move(result);
}
inline void must(Result<void> result) {
    if (!result) throw std::runtime_error(result.error().message);
}

class TestStore {
  public:
    explicit TestStore(std::string_view host_pattern = "acme/*/*")
        : owner(must(Identity::generate())), host(must(Identity::generate())) {
        auto log = must(SqliteLog::create(path()));
        GenesisHost first{"host", host.recipient(), must(Pattern::parse(host_pattern))};
        pin = must(found_store(*log, owner, "owner", first)).pin;
    }

    [[nodiscard]] std::filesystem::path path() const { return folder / "store.db"; }

    // A reader or writer with a state folder of its own name ("" keeps nothing).
    [[nodiscard]] Result<VerifiedStore> open(std::string_view state = "") const {
        auto log = SqliteLog::open(path());
        if (!log) return tl::make_unexpected(log.error());
        StoreOptions options;
        if (!state.empty()) options.state_dir = folder / state;
        options.pin = pin;
        return VerifiedStore::open(std::move(*log), std::move(options));
    }

    SetOutcome set(VerifiedStore& store, std::string_view name, std::string_view value,
                   Visibility visibility = Visibility::masked, std::uint64_t not_after_ms = 0) const {
        return must(set_secret(store, owner,
                               SetRequest{must(SecretName::parse(name)), visibility, not_after_ms, {}},
                               as_bytes(value)));
    }

    Identity add(VerifiedStore& store, std::string name, Role role, std::string_view pattern) const {
        Identity identity = must(Identity::generate());
        must(add_principal(store, owner,
                           {std::move(name), role, must(Pattern::parse(pattern)), identity.recipient()}));
        return identity;
    }

    TempFolder folder;
    Identity owner, host;
    Pin pin;
};

// What the identity unseals of a version, or the error.
inline Result<std::string> unseal_version(VerifiedStore& store, const Identity& identity,
                                          const Secret& secret, const Version& version) {
    COFFER_TRY(auto payload, store.payload(version));
    COFFER_TRY(auto key, store.scope_key(identity, version.scope_key));
    const ScopeKey* scope_key = store.view().roster().scope_key(version.scope_key);
    Hash context = payload_context(store.view().pin().store, secret.name, secret.visibility,
                                   version.sealed_as, version.scope_key);
    COFFER_TRY(auto value, unseal_payload(payload, key.view(), scope_key->public_half, context));
    return std::string(as_text(value.view()));
}

// The same of the live version.
inline Result<std::string> unseal_live(VerifiedStore& store, const Identity& identity,
                                       std::string_view name) {
    COFFER_TRY(auto parsed, SecretName::parse(name));
    COFFER_TRY(auto secret, store.view().find(parsed));
    if (!secret || !secret->live) return fail(Code::not_found, name);
    return unseal_version(store, identity, *secret, *secret->live);
}

}  // namespace coffer::test
